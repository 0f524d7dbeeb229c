"""One open window: invert it once, drag it as often as the artist likes, and take the edit as a
layer.

What is shown is the *present*: an entry of the history, a position on its trajectory and an amount.
Each drag begins from the present as it is shown and becomes the next entry.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor

from engine.checkpoints.catalogue import LoadedModel
from engine.composite import (
    LayerPatch,
    ResultForm,
    cut_to_change,
    cut_to_content,
    edit_layer,
    edited_window,
    lay_over,
)
from engine.device import choose_device, told_device_failures
from engine.drag.handle_hint import TRACKABLE, place_hint
from engine.drag.loop import DragSpace, principal_axes
from engine.drag.params import DragParams
from engine.errors import SnapshotError
from engine.flow import Flow, flow_between
from engine.generator.changes import WeightChanges
from engine.generator.held import Held
from engine.geometry import Point, PointPair, to_points, to_tensor
from engine.history import Entry, History
from engine.images import Pixels, resize, uint8_pixels, unit_tensor
from engine.inversion.cache import InversionCache, inversion_key
from engine.inversion.match import Match, match_of
from engine.inversion.stages import InversionParams, InversionStep, invert
from engine.outline import Outline, outline_between
from engine.running_drag import DragStep, RunningDrag
from engine.snapshot import Snapshot
from engine.tuning_gate import let_through
from engine.window import to_generator_frame

PREVIEW_SIZE_PX = 384
FLOW_SIZE_PX = 128  # finest map of which the flow is read off beside the dragged one
OUTLINE_BLOCKS = 2  # coarsest of the flow's that the outline is read off; the finest mislead it
AXES_SAMPLES = 4096  # w that the axes of a search and of a drag are read off


@dataclass(frozen=True, slots=True, kw_only=True)
class HandleHint:
    """How well a handle could be followed.

    Attributes:
        confidence: in [0, 1]; 0 on a flat area, along an edge, or among places that look alike.
        best_place_window: the place near it that could be followed best, window px; the handle
            itself where none is better.
        best_confidence: the confidence there.
    """

    confidence: float
    best_place_window: Point
    best_confidence: float

    @property
    def is_trackable(self) -> bool:
        """Whether the handle lies where it can be followed."""
        return self.confidence >= TRACKABLE


def drag_space(model: LoadedModel) -> DragSpace:
    """Gives where in a model a drag works by default: its block, its rows, its axes of w."""
    w = model.generator.sample_w(AXES_SAMPLES, seed=0)
    return DragSpace(
        block=model.info.feature_block, rows=model.info.dragged_rows, axes=principal_axes(w)
    )


def flow_blocks(dragged: int, resolution: int) -> list[int]:
    """Gives the blocks that a flow is read off: the dragged one, and finer ones that are small."""
    finest = min(FLOW_SIZE_PX, resolution)
    return [dragged, *(size for size in (2 * dragged, 4 * dragged) if size <= finest)]


class EditingSession:
    """A window of an artist's layer and its latent.

    Args:
        model: the generator and the facts about it.
        window_rgba: (H, W, 4), uint8, straight alpha, encoded sRGB; square.
        editable_mask: (H, W), uint8, 255 = may move, 0 = keep; None: everything may move.
        form: how the edit is to be given.
        device: where to compute; None for the best device of this machine.
        inversions: a cache that sessions share; None for one of its own.

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
        form: ResultForm = ResultForm.PATCH,
        device: str | None = None,
        inversions: InversionCache | None = None,
    ) -> None:
        _check_mask(window_rgba, editable_mask)
        self._device = choose_device(device)
        self._generator = model.generator.to(self._device)  # drags
        self._change_weights({})
        self._encoder = None if model.encoder is None else model.encoder.to(self._device)
        self._model_title = model.info.title
        self._model_sha256 = model.info.weights_sha256
        self._window, self._mask, self._form = window_rgba, editable_mask, form
        self._space = drag_space(model)
        size = self._generator.resolution
        self._picture = to_generator_frame(window_rgba, size, self._device)
        self._generator_mask = (
            None
            if editable_mask is None
            else resize(unit_tensor(editable_mask), (size, size)).to(self._device)
        )
        self._inversions = inversions or InversionCache()
        self._finished: History | None = None
        self._running: RunningDrag | None = None
        self._before: Tensor | None = None
        self._last_motion: tuple[Tensor, Flow, Outline | None] | None = None
        self._match: Match | None = None

    @property
    def is_inverted(self) -> bool:
        """Whether the window's latent is known."""
        return self._finished is not None

    @property
    def w_plus(self) -> Tensor:
        """The latent that is shown, (1, num_ws, w_dim); of a drag that runs its best step's."""
        return self._history.w_plus

    @property
    def match(self) -> Match:
        """How well the model can draw the window.

        Raises:
            ValueError: the picture has no latent yet.
        """
        if self._match is None:
            self._match = match_of(self._painter, self._history.base, self._picture)
        return self._match

    def invert(self, params: InversionParams | None = None) -> Iterator[InversionStep]:
        """Searches the window's latent; each step's best is kept, so stopping early is allowed.

        The history begins anew. Where the cache knows the end of this search, it is the one step.

        Raises:
            InversionDiverged: the search left the range of numbers.
            OutOfDeviceMemory: the device cannot hold a step.
            DeviceLost: the device refuses all further work.
        """
        self._refuse_while_running("inverting")
        params = params or InversionParams()
        key = inversion_key(self._window, self._model_sha256, params)
        found = self._inversions.find(key)
        if found is not None:
            self._set_base(found.w_plus, found.changes, found.match)
            yield found
            return
        steps = invert(
            self._generator,
            self._picture,
            axes=self._space.axes,
            shared_rows=self._space.rows,
            gate=self._gate,
            encoder=self._encoder,
            params=params,
        )
        with told_device_failures():
            for step in steps:
                self._set_base(step.w_plus, step.changes, step.match)
                if step.step_index == step.step_budget:
                    self._inversions.keep(key, step)
                yield step

    def set_pivot(self, w_pivot: Tensor) -> None:
        """Begins from a known latent (1, w_dim) instead of inverting; the history begins anew."""
        self.set_latent(w_pivot[:, None].repeat(1, self._generator.num_ws, 1))

    def set_latent(self, w_plus: Tensor, changes: WeightChanges | None = None) -> None:
        """As `set_pivot`, for a latent whose rows differ, (1, num_ws, w_dim), and which the
        generator paints with some of its weights changed.

        Raises:
            ValueError: the generator has no such weight.
        """
        self._refuse_while_running("setting a latent")
        self._set_base(w_plus, changes or {})

    def drag(
        self,
        pairs: Sequence[PointPair],
        step_budget: int | None = None,
        params: DragParams | None = None,
    ) -> Iterator[DragStep]:
        """Drags from the present; the best step is kept however the drag ends.

        A drag that made an update, even if it was stopped, becomes an entry of the history, and
        what had been undone is dropped.

        Args:
            pairs: handles and targets, window px.
            step_budget: most updates; None for the default.
            params: how to drag; None for the defaults.

        Raises:
            ValueError: there is no pair, a handle is outside the window or where nothing may move,
                or another drag runs.
            OutOfDeviceMemory: the device cannot hold a step.
            DeviceLost: the device refuses all further work.
        """
        self._check_pairs(pairs)
        history = self._still_history("starting another")
        params = params or DragParams()
        if step_budget is not None:
            params = replace(params, step_budget=step_budget)
        with told_device_failures():
            running = self._running = self._begin(pairs, history, params)
            try:
                yield from running.steps()
            finally:
                self._running = None
                self._finished = running.history()

    def set_pairs(self, pairs: Sequence[PointPair]) -> None:
        """Changes what the drag that runs drags, from its next step on.

        A pair is known by its handle as it was first given: with another target its target has
        moved; with the handle itself as its target it becomes a pin, held where it is now; a pair
        that is left out is let go. A pair whose handle is new drags the part that is there in the
        picture as it is now.

        Raises:
            ValueError: no drag runs, there is no pair, or a handle is outside the window or where
                nothing may move.
        """
        if self._running is None or self._running.has_ended:
            raise ValueError("no drag runs; start one with drag() and these pairs")
        self._check_pairs(pairs)
        with told_device_failures():
            self._running.set_pairs(pairs)

    def handle_hint(self, handle: Point) -> HandleHint:
        """Gives how well a handle could be followed in the present, and the best place near it.

        Raises:
            ValueError: the handle is outside the window, the picture has no latent yet, or a drag
                runs.
            OutOfDeviceMemory: the device cannot hold the features.
            DeviceLost: the device refuses all further work.
        """
        self._check_pairs([PointPair(handle=handle, target=handle)])
        rows = self._still_history("asking about a handle").w_plus.unbind(1)
        scale = self._space.block / self._window.shape[0]
        place = to_tensor([handle], scale=scale, device=self._device)[0]
        with told_device_failures(), torch.no_grad():
            features = self._generator.features(rows, self._space.block, self._held)
            hint = place_hint(features, place, DragParams())
        is_best = torch.equal(hint.best_place, place)
        return HandleHint(
            confidence=hint.confidence,
            best_place_window=(
                handle if is_best else to_points(hint.best_place[None], scale=1.0 / scale)[0]
            ),
            best_confidence=hint.best_confidence,
        )

    @property
    def undo_depth(self) -> int:
        """How many drags can be undone; one that runs is not among them yet."""
        return self._finished.index if self._finished else 0

    @property
    def redo_depth(self) -> int:
        """How many drags can be redone."""
        return len(self._finished.entries) - self._finished.index if self._finished else 0

    @property
    def can_undo(self) -> bool:
        """Whether there is a drag to undo."""
        return self.undo_depth > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is an undone drag to redo."""
        return self.redo_depth > 0

    @property
    def trajectory(self) -> int:
        """How many steps of the present drag are kept; the first is the picture before it.

        1 where no drag is done.
        """
        return len(self._entry.trajectory) if self._entry else 1

    @property
    def position(self) -> int:
        """Which of the steps kept is shown."""
        return self._entry.position if self._entry else 0

    @property
    def amount(self) -> float:
        """How strongly the present drag is shown; 1 is as it was dragged."""
        return self._entry.amount if self._entry else 1.0

    def undo(self) -> None:
        """Goes back to what was shown before the present drag.

        Raises:
            ValueError: there is no drag to undo, or one runs.
        """
        history = self._still_history("an undo")
        if not self.can_undo:
            raise ValueError("there is no drag to undo; drag a handle first")
        self._finished = history.moved_to(history.index - 1)

    def redo(self) -> None:
        """Shows the drag that was undone last, as it was shown.

        Raises:
            ValueError: there is no drag to redo, or one runs.
        """
        history = self._still_history("a redo")
        if not self.can_redo:
            raise ValueError("there is no drag to redo; undo one first")
        self._finished = history.moved_to(history.index + 1)

    def scrub(self, position: int) -> None:
        """Shows another step of the present drag.

        Args:
            position: 0 for the picture before it, up to `trajectory` - 1.

        Raises:
            ValueError: there is no such step or no drag, or one runs.
        """
        self._finished = self._still_history("going through the last one").showing(
            position=position
        )

    def set_amount(self, amount: float) -> None:
        """Shows the present drag weaker or stronger: w0 + amount (w - w0).

        w0 is what was shown when this drag began, so the drags before it stay as they are; their
        amounts are reached by undo. The step is the one at `position`.

        Args:
            amount: 0 for the picture before the drag, 1 for the drag, at most 1.5.

        Raises:
            ValueError: the amount is out of range, there is no drag, or one runs.
        """
        self._finished = self._still_history("changing the amount").showing(amount=amount)

    def snapshot(self, *, with_pixels: bool = True) -> bytes:
        """Gives the session as one document, with pixels, mask and history.

        A drag that runs is in it as if it ended now.

        Args:
            with_pixels: False leaves pixels and mask out, which are most of it, for somebody who
                has them and asks often.
        """
        whole = self._snapshot()
        if not with_pixels:
            whole = replace(whole, window=None, editable_mask=None)
        return whole.to_bytes()

    def save(self, path: Path) -> None:
        """Saves the session as a file, whole or not at all.

        Raises:
            SnapshotError: there is no place for it.
        """
        self._snapshot().write(path)

    @classmethod
    def restore(
        cls,
        model: LoadedModel,
        content: bytes,
        *,
        window_rgba: Pixels | None = None,
        editable_mask: Pixels | None = None,
        form: ResultForm = ResultForm.PATCH,
        device: str | None = None,
    ) -> Self:
        """Opens a session that stands, to the bit, where the one stood that `snapshot` was asked
        of.

        Args:
            model: the one that the session was made with.
            content: what `snapshot` gave.
            window_rgba, editable_mask: those of the session, where the document has no pixels.
            form: how the edit is to be given; the document doesn't say.
            device: where to compute; None for the best device of this machine.

        Raises:
            SnapshotError: the document is damaged or of another kind, or the model is another one.
        """
        snapshot = Snapshot.from_bytes(content)
        if snapshot.window is None:
            snapshot = replace(snapshot, window=window_rgba, editable_mask=editable_mask)
        return cls._of_snapshot(model, snapshot, form, device)

    @classmethod
    def reopen(cls, model: LoadedModel, path: Path, *, device: str | None = None) -> Self:
        """Opens a session that `save` wrote, to give patches; as `restore`."""
        return cls._of_snapshot(model, Snapshot.read(path), ResultForm.PATCH, device)

    @told_device_failures()
    def layer(self) -> Pixels:
        """Gives the edit so far in the session's form, of the window's size: (H, W, 4), uint8.

        A patch is transparent where nothing changed, a replacement is the window there.
        """
        return self._laid_out(self._window, self._mask, *self._motion())

    def result(self) -> LayerPatch:
        """Gives the edit so far in the session's form, cut to what changed, with its offset in the
        window.

        Where nothing changed it is one pixel: of a patch a transparent one, of a replacement the
        window's first.
        """
        layer = self.layer()
        if self._form is ResultForm.REPLACEMENT:
            return cut_to_change(self._window, layer)
        return cut_to_content(layer)

    @told_device_failures()
    def preview(self) -> Pixels:
        """Gives the window with the edit so far on white, at most `PREVIEW_SIZE_PX` large:
        (s, s, 3), uint8.

        While a drag goes on it is the render alone: to carry the picture's own detail along takes
        as long as some steps. At its end it shows what `layer` gives.
        """
        window, mask = self._preview_window
        if self.is_inverted:
            is_on_its_way = self._running is not None and not self._running.has_ended
            motion = (None, None) if is_on_its_way else self._motion()
            layer = self._laid_out(window, mask, *motion)
            is_whole = self._form is ResultForm.REPLACEMENT
            window = layer if is_whole else lay_over(window, layer)
        return lay_over(np.full_like(window, 255), window)[:, :, :3]

    def _laid_out(
        self, window: Pixels, mask: Pixels | None, flow: Flow | None, outline: Outline | None
    ) -> Pixels:
        """Gives the edit so far in the session's form, for a window and mask of any size."""
        before, after = self._render_before(), self._render()
        if self._form is ResultForm.REPLACEMENT:
            return edited_window(window, before, after, mask, flow, outline)
        return edit_layer(window, before, after, mask, flow)

    @cached_property
    def _preview_window(self) -> tuple[Pixels, Pixels | None]:
        """The window and the mask, both of the preview's size."""
        side = min(PREVIEW_SIZE_PX, self._window.shape[0])
        planes = unit_tensor(self._window)  # (1, 4, H, W)
        # Resized by its opacity: what hides under alpha 0 must not bleed into its neighbours.
        opacity = resize(planes[:, 3:], (side, side))
        colour = resize(planes[:, :3] * planes[:, 3:], (side, side)) / opacity.clamp(min=1e-3)
        window = uint8_pixels(torch.cat([colour, opacity], dim=1))
        mask = None if self._mask is None else resize(unit_tensor(self._mask), (side, side))
        return window, None if mask is None else uint8_pixels(mask)[:, :, 0]

    # ------------------------------------------------------------------------------------------

    def _snapshot(self) -> Snapshot:
        return Snapshot(
            model_title=self._model_title,
            model_sha256=self._model_sha256,
            window=self._window,
            editable_mask=self._mask,
            history=self._history if self.is_inverted else None,
            changes=self._changes,
        )

    @classmethod
    def _of_snapshot(
        cls, model: LoadedModel, snapshot: Snapshot, form: ResultForm, device: str | None
    ) -> Self:
        generator, history = model.generator, snapshot.history
        fits = history is None or history.base.shape[1:] == (generator.num_ws, generator.w_dim)
        if snapshot.model_sha256 != model.info.weights_sha256 or not fits:
            raise SnapshotError(
                f"the session was made with the model {snapshot.model_title!r} and this is another "
                f"one, {model.info.title!r}; open it with the one that it was made with"
            )
        if snapshot.window is None:
            raise SnapshotError("the session file holds no picture; choose one that was saved")
        try:
            session = cls(model, snapshot.window, snapshot.editable_mask, form=form, device=device)
            session._change_weights(snapshot.changes)
        except ValueError as error:
            raise SnapshotError(
                "the session file contradicts itself and cannot be opened; choose another one"
            ) from error
        if history is not None:
            session._finished = replace(history, base=history.base.to(session._device))
        return session

    @property
    def _history(self) -> History:
        """The history, of a drag that runs as if it ended now."""
        if self._running is not None:
            return self._running.history()
        if self._finished is None:
            raise ValueError("the picture has no latent yet; call invert() first")
        return self._finished

    @property
    def _entry(self) -> Entry | None:
        return None if self._finished is None else self._finished.present

    def _still_history(self, purpose: str) -> History:
        """The history, which may be changed now."""
        self._refuse_while_running(purpose)
        return self._history

    def _refuse_while_running(self, purpose: str) -> None:
        if self._running is not None:
            raise ValueError(f"a drag runs; end it before {purpose}")

    def _begin(
        self, pairs: Sequence[PointPair], history: History, params: DragParams
    ) -> RunningDrag:
        return RunningDrag(
            generator=self._generator,
            pairs=pairs,
            history=history,
            space=self._space,
            held=self._held,
            params=params,
            window_side=self._window.shape[0],
        )

    @property
    def _held(self) -> Held | None:
        """What the mask keeps of the picture before any drag."""
        return self._space.holding(self._history.base, self._generator_mask)

    def _gate(self, w_plus: Tensor, changes: WeightChanges) -> WeightChanges:
        opacity = self._picture.opacity
        return let_through(self._generator, w_plus, changes, space=self._space, opacity=opacity)

    def _set_base(self, w_plus: Tensor, changes: WeightChanges, match: Match | None = None) -> None:
        self._finished = History(base=w_plus.to(self._device))
        self._change_weights(changes)
        self._match = match
        self._before, self._last_motion = None, None

    def _change_weights(self, changes: WeightChanges) -> None:
        """Paints this picture by the model's generator with these changes. What drags is the
        generator as it is: it knows how such pictures move."""
        self._changes = changes
        self._painter = self._generator.changed(changes)

    @torch.no_grad()
    def _motion(self) -> tuple[Flow | None, Outline | None]:
        """Gives the flow from the picture before any drag to the present, None before a drag, and
        the figure in both, None where the opacity stays."""
        base, present = self._history.base, self.w_plus
        if torch.equal(base, present):
            return None, None
        if self._last_motion is None or not torch.equal(self._last_motion[0], present):
            blocks = flow_blocks(self._space.block, self._generator.resolution)
            before, after = (
                [self._painter.features(w.unbind(1), block, held).cpu() for block in blocks]
                for w, held in ((base, None), (present, self._held))
            )
            opacity, outline = unit_tensor(self._window)[:, 3:], None
            if self._form is ResultForm.REPLACEMENT and not bool((opacity == 1.0).all()):
                read = slice(OUTLINE_BLOCKS)
                outline = outline_between(before[read], after[read], opacity, blocks[-1])
            self._last_motion = present, flow_between(before, after), outline
        return self._last_motion[1:]

    @torch.no_grad()
    def _render(self) -> Tensor:
        return self._painter.render(self.w_plus.unbind(1), self._held)

    @torch.no_grad()
    def _render_before(self) -> Tensor:
        if self._before is None:
            self._before = self._painter.render(self._history.base.unbind(1))
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
            if (
                self._mask is not None
                and not pair.is_pin
                and not _may_move(pair.handle, self._mask)
            ):
                raise ValueError(
                    f"the handle {pair.handle.x:g},{pair.handle.y:g} lies where the mask lets "
                    "nothing move; begin the arrow inside the mask, or widen it"
                )


def _may_move(point_window: Point, mask: Pixels) -> bool:
    # On the border between two pixels both are touched, so a mask's far edge counts as inside.
    rows, columns = (
        slice(max(math.ceil(place) - 1, 0), math.floor(place) + 1)
        for place in (point_window.y, point_window.x)
    )
    return bool(mask[rows, columns].any())


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
