"""One open window: invert it once, drag it as often as the artist likes, and take the edit as a
layer."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch
from torch import Tensor

from engine.checkpoints.catalogue import LoadedModel
from engine.composite import LayerPatch, cut_to_content, edit_layer, lay_over
from engine.device import choose_device, told_device_failures
from engine.drag import loop
from engine.drag.loop import DragSpace, EndReason
from engine.drag.params import DragParams
from engine.geometry import Point, PointPair, to_points, to_tensor
from engine.images import Pixels, resize, uint8_pixels, unit_tensor
from engine.inversion.projection import InversionParams, InversionStep, invert
from engine.window import to_generator_frame

PREVIEW_SIZE_PX = 384


@dataclass(frozen=True, slots=True, kw_only=True)
class DragStep:
    """One step of a drag, as an artist is told of it.

    Attributes:
        step_index: 0 for the picture before the first update.
        step_budget: how many updates there will be at most.
        handles_window: where the handles are now, window px.
        distance_px: mean distance of the handles to their targets, window px.
        end_reason: why this is the last step; None if another follows.
    """

    step_index: int
    step_budget: int
    handles_window: tuple[Point, ...]
    distance_px: float
    end_reason: EndReason | None


class EditingSession:
    """A window of an artist's layer and its latent.

    Args:
        model: the generator and the facts about it.
        window_rgba: (H, W, 4), uint8, straight alpha, encoded sRGB; square.
        editable_mask: (H, W), uint8, 255 = may move, 0 = keep; None: everything may move.
        device: where to compute; None for the best device of this machine.

    Raises:
        ValueError: the window is not square or empty, or the mask is of another size or selects
            nothing.
    """

    def __init__(
        self,
        model: LoadedModel,
        window_rgba: Pixels,
        editable_mask: Pixels | None = None,
        *,
        device: str | None = None,
    ) -> None:
        _check_mask(window_rgba, editable_mask)
        self._device = choose_device(device)
        self._generator = model.generator.to(self._device)
        self._window, self._mask = window_rgba, editable_mask
        self._w_spread = float(model.info.w_std.mean())
        self._space = DragSpace(
            block=model.info.feature_block, rows=model.info.dragged_rows, w_spread=self._w_spread
        )
        size = self._generator.resolution
        self._picture = to_generator_frame(window_rgba, size, self._device)
        self._generator_mask = (
            None
            if editable_mask is None
            else resize(unit_tensor(editable_mask), (size, size)).to(self._device)
        )
        self._w_pivot: Tensor | None = None
        self._w_plus: Tensor | None = None
        self._before: Tensor | None = None

    @property
    def is_inverted(self) -> bool:
        """Whether the window's latent is known."""
        return self._w_pivot is not None

    @property
    def w_plus(self) -> Tensor:
        """The latent as it is now, (1, num_ws, w_dim)."""
        if self._w_plus is None:
            raise ValueError("the picture has no latent yet; call invert() first")
        return self._w_plus

    def invert(self, params: InversionParams | None = None) -> Iterator[InversionStep]:
        """Searches the window's latent; each step's best is kept, so stopping early is allowed.

        Raises:
            InversionDiverged: the search left the range of numbers.
            OutOfDeviceMemory: the device cannot hold a step.
            DeviceLost: the device refuses all further work.
        """
        steps = invert(self._generator, self._picture, w_spread=self._w_spread, params=params)
        with told_device_failures():
            for step in steps:
                self._set_pivot(step.w_pivot)
                yield step

    def set_pivot(self, w_pivot: Tensor) -> None:
        """Begins from a known latent (1, w_dim) instead of inverting."""
        self._set_pivot(w_pivot.to(self._device))

    def drag(
        self,
        pairs: Sequence[PointPair],
        step_budget: int | None = None,
        params: DragParams | None = None,
    ) -> Iterator[DragStep]:
        """Drags from where the session stands; the best step is kept however the drag ends.

        Args:
            pairs: handles and targets, window px.
            step_budget: most updates; None for the default.
            params: how to drag; None for the defaults.

        Raises:
            ValueError: there is no pair, or a handle is outside the window.
            OutOfDeviceMemory: the device cannot hold a step.
            DeviceLost: the device refuses all further work.
        """
        self._check_pairs(pairs)
        w_plus = self.w_plus
        params = params or DragParams()
        if step_budget is not None:
            params = replace(params, step_budget=step_budget)
        to_feature = self._space.block / self._window.shape[0]
        steps = loop.drag(
            self._generator,
            w_plus,
            to_tensor([p.handle for p in pairs], scale=to_feature, device=self._device),
            to_tensor([p.target for p in pairs], scale=to_feature, device=self._device),
            space=self._space,
            editable_mask=self._generator_mask,
            params=params,
        )
        with told_device_failures():
            for step in steps:
                if step.is_best:
                    self._w_plus = step.w_plus
                yield DragStep(
                    step_index=step.step_index,
                    step_budget=params.step_budget,
                    handles_window=to_points(step.handles, scale=1.0 / to_feature),
                    distance_px=step.distance / to_feature,
                    end_reason=step.end_reason,
                )

    @told_device_failures()
    def layer(self) -> Pixels:
        """Gives the edit so far as a layer of the window's size: (H, W, 4), uint8."""
        return edit_layer(self._window, self._render_before(), self._render(), self._mask)

    def result(self) -> LayerPatch:
        """Gives the edit so far as a layer, cut to what is visible, with its offset in the
        window."""
        return cut_to_content(self.layer())

    @told_device_failures()
    def preview(self) -> Pixels:
        """Gives the window with the edit so far on white, at most `PREVIEW_SIZE_PX` large:
        (s, s, 3), uint8."""
        ground, window, mask = self._preview_window
        if self._w_plus is None:
            return ground[:, :, :3]
        layer = edit_layer(window, self._render_before(), self._render(), mask)
        return lay_over(ground, layer)[:, :, :3]

    @cached_property
    def _preview_window(self) -> tuple[Pixels, Pixels, Pixels | None]:
        """The window on white, the same with its alpha, and the mask, all of the preview's size."""
        side = min(PREVIEW_SIZE_PX, self._window.shape[0])

        def small(pixels: Pixels) -> Pixels:
            return uint8_pixels(resize(unit_tensor(pixels), (side, side)))

        # Flat before it is resized: what hides under alpha 0 must not bleed into its neighbours.
        ground = small(lay_over(np.full_like(self._window, 255), self._window))
        window = np.concatenate([ground[:, :, :3], small(self._window[:, :, 3])], axis=2)
        return ground, window, None if self._mask is None else small(self._mask)[:, :, 0]

    # ------------------------------------------------------------------------------------------

    def _set_pivot(self, w_pivot: Tensor) -> None:
        self._w_pivot = w_pivot
        self._w_plus = w_pivot[:, None].repeat(1, self._generator.num_ws, 1)
        self._before = None

    @torch.no_grad()
    def _render(self) -> Tensor:
        return self._generator.render(self.w_plus.unbind(1))

    @torch.no_grad()
    def _render_before(self) -> Tensor:
        if self._before is None:
            assert self._w_pivot is not None
            self._before = self._generator.render([self._w_pivot] * self._generator.num_ws)
        return self._before

    def _check_pairs(self, pairs: Sequence[PointPair]) -> None:
        height, width = self._window.shape[:2]
        if not pairs:
            raise ValueError("there is no pair to drag; draw an arrow from a handle to its target")
        for pair in pairs:
            if not (0 <= pair.handle.x <= width and 0 <= pair.handle.y <= height):
                raise ValueError(
                    f"the handle {pair.handle.x:g},{pair.handle.y:g} is outside the window of "
                    f"{width} x {height} px; begin the arrow inside it"
                )


def _check_mask(window: Pixels, mask: Pixels | None) -> None:
    if mask is None:
        return
    if mask.shape != window.shape[:2]:
        raise ValueError(
            f"the mask is {mask.shape[1]} x {mask.shape[0]} px and the window "
            f"{window.shape[1]} x {window.shape[0]}; they must be of one size"
        )
    if not mask.any():
        raise ValueError("the selection holds nothing of this window; select what may move")
