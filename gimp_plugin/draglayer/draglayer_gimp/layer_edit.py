"""One layer of an image and its edit: what the model is told, and what becomes of its result."""

from collections.abc import Iterable

from gi.repository import Gimp

from . import canvas
from ._vendor.bridge_client import Bounds, ClientError, EditModel, EditRequest, PointPair
from .settings import Settings


class LayerEdit:
    """What the dialog and the script run have in common.

    Args:
        image: The image; None where none is open.
        drawables: What is selected in it.

    Raises:
        ClientError: There is no one layer that can be edited.
    """

    def __init__(self, image: Gimp.Image | None, drawables: Iterable[Gimp.Drawable]) -> None:
        self._layer = canvas.chosen_layer(image, drawables)
        self._image = image
        self._content = canvas.content_bounds(self._layer)
        self.model = EditModel()

    @property
    def image(self) -> Gimp.Image:
        """The image that the layer is in."""
        return self._image

    @property
    def layer_name(self) -> str:
        """The layer's name, empty once it is gone."""
        return self._layer.get_name() if self._layer.is_valid() else ""

    @property
    def stacking_remark(self) -> str:
        """Why the result may look different from an edit of the layer, or nothing."""
        return canvas.stacking_remark(self._layer) if self._layer.is_valid() else ""

    def refresh(self, pairs: tuple[PointPair, ...]) -> None:
        """Tell the model what is drawn and selected now; cheap enough for a timer."""
        if not (self._image.is_valid() and self._layer.is_valid()):
            self.model.set_source_problem("The layer is gone: close this and choose another.")
            return
        self.model.set_source(
            canvas=canvas.canvas_extent(self._image),
            layer_content=self._content,
            selection=canvas.selection_bounds(self._image),
        )
        self.model.set_pairs(pairs)

    def request(self, pairs: tuple[PointPair, ...], settings: Settings) -> EditRequest:
        """The edit as it goes to the bridge, with the pixels as they are now.

        Raises:
            ClientError: With the sentence that says what is missing.
        """
        if self._layer.is_valid():
            # Reading all alpha takes a moment on a large layer: here, and not at every refresh.
            self._content = canvas.content_bounds(self._layer)
        self.refresh(pairs)
        window = self.model.require_window()
        return EditRequest(
            window_canvas=window,
            pixels=self.read_pixels(window),
            pixel_order="rgba8",
            mask=canvas.read_selection(self._image, window),
            pairs=pairs,
            step_budget=settings.step_budget,
            profile=settings.profile,
            model=settings.model,
        )

    def read_pixels(self, window: Bounds) -> bytes:
        """The layer's pixels in the window, straight RGBA.

        Raises:
            ClientError: The layer cannot be read as it shows.
        """
        return canvas.read_pixels(self._image, self._layer, window)

    def insert(self) -> Gimp.Layer:
        """Put the waiting result above its layer and give the new layer.

        Raises:
            ClientError: There is no result, or the image is gone.
        """
        result = self.model.result
        if result is None:
            raise ClientError(self.model.status_text)
        layer = canvas.insert_result(self._image, self._layer, result)
        self.model.mark_inserted()
        return layer
