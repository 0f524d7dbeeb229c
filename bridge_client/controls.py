"""EditControls: what the buttons beside Start do.

Each asks the worker where the model allows it, and the model shows at once that it did.
"""

from collections.abc import Sequence

from .editing import EditModel
from .geometry import PointPair
from .worker import EditWorker


class EditControls:
    """The buttons and the slider of one edit.

    Hosts call it on their main thread only; a press that came too late does nothing.

    Args:
        model: What the UI shows and allows.
        worker: Does what it is asked for.
    """

    def __init__(self, model: EditModel, worker: EditWorker) -> None:
        self._model = model
        self._worker = worker

    def cancel(self) -> None:
        """Ends the edit early; the best so far can still be inserted."""
        if self._model.can_cancel:
            self._worker.cancel()
            self._model.mark_cancelling()

    def toggle_pause(self) -> None:
        """Lets the edit rest after its step, or go on."""
        if self._model.can_pause:
            self._worker.pause()
        elif self._model.can_resume:
            self._worker.resume()

    def check_on(self) -> None:
        """Looks whether the model's pairs could be followed from where the edit stands."""
        if self._model.has_history and self._model.can_check:
            self._worker.check_on(self._model.pairs)
            self._model.mark_checking()

    def set_pairs(self, pairs: Sequence[PointPair]) -> None:
        """Has the drag that runs go on with what is drawn now; a host calls it at every look.

        Args:
            pairs: All of them, in the order in which they were drawn.
        """
        if not self._model.takes_pairs or tuple(pairs) == self._model.pairs:
            return
        self._model.set_pairs(pairs)
        if self._model.can_set_pairs:
            self._worker.set_pairs(self._model.pairs)

    def drag_on(self, step_budget: int | None) -> None:
        """Drags the model's pairs from where the edit stands.

        Args:
            step_budget: Most steps; None = the engine's default.
        """
        if self._model.can_drag_on:
            self._worker.drag_on(self._model.pairs, step_budget)
            self._model.mark_dragging_on()

    def undo(self) -> None:
        """Shows what was before the last drag."""
        if self._model.can_undo:
            self._worker.undo()
            self._model.mark_moving()

    def redo(self) -> None:
        """Shows the drag that was undone last."""
        if self._model.can_redo:
            self._worker.redo()
            self._model.mark_moving()

    def show_amount(self, amount: float) -> None:
        """Shows the last drag weaker or stronger.

        Args:
            amount: 0 = as before it, 1 = as dragged, at most `MAX_AMOUNT`.
        """
        if self._model.can_show:
            self._worker.show(amount=amount)
            self._model.mark_showing()

    def show_position(self, position: int) -> None:
        """Shows the last drag as it was at a step of its way.

        Args:
            position: 0 = before it; its history's `last_position` = its last step.
        """
        if self._model.can_show:
            self._worker.show(position=position)
            self._model.mark_showing()
