"""One layer of an image and its edit: what the model is told, and what becomes of its result."""

from collections.abc import Iterable

from gi.repository import Gimp

from . import canvas
from ._vendor.bridge_client import (
    Bounds,
    ClientError,
    EditModel,
    EditRequest,
    LayerResult,
    PointPair,
    ResultForm,
    choose_result_form,
    paste_pixels,
)
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
        # The chosen layer, and each one that was put in the place of the one before.
        self._layers = [canvas.chosen_layer(image, drawables)]
        self._image = image
        self._source: Gimp.Layer | None = None
        self._request: EditRequest | None = None
        self._inserted: Gimp.Layer | None = None  # of the edit that is open
        self._content = canvas.content_bounds(self._layer)
        self.model = EditModel()

    @property
    def image(self) -> Gimp.Image:
        """The image that the layer is in."""
        return self._image

    @property
    def _layer(self) -> Gimp.Layer:
        """What is to be edited: an undo takes a layer away that stood in for another."""
        return next(
            (layer for layer in reversed(self._layers) if layer.is_valid()), self._layers[0]
        )

    @property
    def layer_name(self) -> str:
        """The layer's name, empty once it is gone."""
        return self._layer.get_name() if self._layer.is_valid() else ""

    def refresh(self, pairs: tuple[PointPair, ...], settings: Settings) -> None:
        """Tell the model what is drawn, selected and chosen now; cheap enough for a timer."""
        if not (self._image.is_valid() and self._layer.is_valid()):
            self.model.set_source_problem("The layer is gone: close this and choose another.")
            return
        self.model.set_source(
            canvas=canvas.canvas_extent(self._image),
            layer_content=self._content,
            selection=canvas.selection_bounds(self._image),
        )
        self.model.set_seen(settings.seen)
        self.model.set_pairs(pairs)

    def request(self, pairs: tuple[PointPair, ...], settings: Settings) -> EditRequest:
        """What goes to the bridge, with the pixels as they are now.

        Raises:
            ClientError: With the sentence that says what is missing.
        """
        if self._layer.is_valid():
            # Reading all alpha takes a moment on a large layer: here, and not at every refresh.
            self._content = canvas.content_bounds(self._layer)
        self.refresh(pairs, settings)
        window = self.model.require_window()
        pixels, mask = self.read_pixels(window), canvas.read_selection(self._image, window)
        form = choose_result_form(
            canvas.layer_facts(self._layer),
            pixels=pixels,
            editable_mask=mask,
            window_canvas=window,
            canvas=canvas.canvas_extent(self._image),
        )
        if form is ResultForm.REPLACEMENT:
            canvas.check_replaceable(self._layer)
        return EditRequest(
            window_canvas=window,
            pixels=pixels,
            pixel_order="rgba8",
            mask=mask,
            pairs=pairs,
            step_budget=settings.step_budget,
            profile=settings.profile,
            model=settings.model,
            result_form=form,
        )

    def begin(self, request: EditRequest) -> None:
        """The request of a moment ago was sent: what comes is the edit to show and to insert."""
        self._request, self._source, self._inserted = request, self._layer, None
        self.model.mark_started()

    def read_pixels(self, window: Bounds) -> bytes:
        """The layer's pixels in the window, straight RGBA.

        Raises:
            ClientError: The layer cannot be read as it shows.
        """
        return canvas.read_pixels(self._image, self._layer, window)

    def replaced_pixels(self, result: LayerResult) -> bytes:
        """The window as a replacement leaves the layer, straight RGBA."""
        request = self._request
        if request is None:
            raise ClientError(self.model.status_text)
        return paste_pixels(
            request.pixels, request.window_canvas, result.pixels, result.bounds_canvas
        )

    def insert(self) -> Gimp.Layer:
        """Put the waiting result above its layer, or in its place, and give the new layer.

        Raises:
            ClientError: There is no result, or the image or the layer is gone.
        """
        result, request = self.model.result, self._request
        if result is None or request is None:
            raise ClientError(self.model.status_text)
        self._inserted = canvas.insert_result(
            self._image,
            self._source,
            result,
            sent=request.pixels_in(result.bounds_canvas),
            instead_of=self._inserted,
        )
        if result.form is ResultForm.REPLACEMENT:
            self._layers.append(self._inserted)
        self.model.mark_inserted()
        return self._inserted
