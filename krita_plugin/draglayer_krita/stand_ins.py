"""Layers that are hidden because another one stands in their place, shown again when it goes.

Krita's undo takes a layer away again but leaves visibility as it is, so this is looked after here.
"""

from dataclasses import dataclass, field

from .canvas import Canvas, LayerGone


@dataclass(slots=True)
class _Hidden:
    canvas: Canvas
    layer_id: str
    stand_in_ids: set[str] = field(default_factory=set)
    is_hidden: bool = True


class StandIns:
    """Which layers are hidden for which; the artist's own doings with the eye are let be."""

    def __init__(self) -> None:
        self._hidden: dict[str, _Hidden] = {}

    def add(self, canvas: Canvas, layer_id: str, stand_in_id: str) -> None:
        """Takes note that a layer was hidden because another stands in its place."""
        hidden = self._hidden.setdefault(layer_id, _Hidden(canvas, layer_id))
        hidden.stand_in_ids.add(stand_in_id)
        hidden.is_hidden = True

    def look(self) -> None:
        """Shows each layer whose stand-ins were all undone, and hides it when one is redone."""
        for hidden in list(self._hidden.values()):
            if not hidden.canvas.is_open:
                del self._hidden[hidden.layer_id]
                continue
            is_stood_in = any(hidden.canvas.has_layer(each) for each in hidden.stand_in_ids)
            if is_stood_in != hidden.is_hidden:
                hidden.is_hidden = is_stood_in
                self._show(hidden)

    def _show(self, hidden: _Hidden) -> None:
        try:
            hidden.canvas.set_shown(hidden.layer_id, not hidden.is_hidden)
        except LayerGone:
            pass  # an undo may bring it back as it was
