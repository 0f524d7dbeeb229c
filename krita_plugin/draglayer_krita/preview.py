"""The picture of the edit, as large as there is room, with its points marked on it."""

from collections.abc import Callable, Sequence

from ._vendor.bridge_client import Bounds, PairMark, Point
from .qt import QColor, QImage, QLabel, QPainter, QPen, QPixmap, QPointF, QSize, QSizePolicy, Qt

_HANDLE_COLOUR, _TARGET_COLOUR, _RIM_COLOUR = "#e02020", "#2060e0", "#ffffff"
_UNSURE_COLOUR, _EASIER_COLOUR = "#f0a000", "#20a040"
_DOT_RADIUS_PX, _RING_RADIUS_PX = 3.0, 4.0
# The rim keeps a mark visible on a ground of its own colour.
_RIM_PX, _LINE_PX, _RING_PX = 1.0, 1.5, 2.0

ToPicture = Callable[[Point], QPointF]


class PreviewLabel(QLabel):
    """Shows a picture in its own shape, and marks on it."""

    def __init__(self) -> None:
        super().__init__()
        self._picture = QPixmap()
        self._jpeg: bytes | None = None
        self._window: Bounds | None = None
        self._marks: tuple[PairMark, ...] = ()
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setMinimumSize(QSize(128, 128))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Expanding)

    def show_edit(
        self, jpeg: bytes | None, window_canvas: Bounds | None, marks: Sequence[PairMark]
    ) -> None:
        """Shows the picture, or nothing; one that can't be read is left out.

        Args:
            jpeg: All of the window, at any size.
            window_canvas: Where that lies on the canvas; None = the marks have no place.
            marks: In canvas px.
        """
        shown = (jpeg, window_canvas, tuple(marks))
        if shown == (self._jpeg, self._window, self._marks):
            return
        if jpeg is not self._jpeg:
            self._picture = QPixmap.fromImage(QImage.fromData(jpeg)) if jpeg else QPixmap()
        self._jpeg, self._window, self._marks = shown
        self._fit()

    def resizeEvent(self, event) -> None:  # noqa: N802 - Qt's name
        """Fits the picture to the new size."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        if self._picture.isNull() or self.size().isEmpty():
            self.clear()
            return
        picture = self._picture.scaled(
            self.size(),
            Qt.AspectRatioMode.KeepAspectRatio,
            Qt.TransformationMode.SmoothTransformation,
        )
        # On the picture and not on the label, which leaves bars beside it.
        if self._window is not None:
            paint_marks(picture, self._window, self._marks)
        self.setPixmap(picture)


def paint_marks(picture: QPixmap, window_canvas: Bounds, marks: Sequence[PairMark]) -> None:
    """Paints onto a picture of the window: each handle where it is now, its target, and the way
    between; a pin is one ring. A handle that may be lost has another colour, and a ring shows the
    place beside it that would be easier to follow."""
    x_scale = picture.width() / window_canvas.width
    y_scale = picture.height() / window_canvas.height

    def to_picture(point: Point) -> QPointF:
        return QPointF((point.x - window_canvas.x) * x_scale, (point.y - window_canvas.y) * y_scale)

    painter = QPainter(picture)
    try:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for mark in marks:
            _paint_mark(painter, mark, to_picture)
    finally:
        # Qt ends the program when a picture goes that is still being painted on.
        painter.end()


def _paint_mark(painter: QPainter, mark: PairMark, to_picture: ToPicture) -> None:
    handle, target = to_picture(mark.handle), to_picture(mark.target)
    colour = _HANDLE_COLOUR if mark.is_sure else _UNSURE_COLOUR
    if mark.is_pin:
        _paint_ring(painter, handle, colour)
    else:
        _paint_line(painter, handle, target)
        _paint_dot(painter, target, _TARGET_COLOUR)
        _paint_dot(painter, handle, colour)
    if mark.easier is not None:
        _paint_ring(painter, to_picture(mark.easier), _EASIER_COLOUR)


def _paint_line(painter: QPainter, start: QPointF, end: QPointF) -> None:
    for pen in _rimmed(_TARGET_COLOUR, _LINE_PX):
        painter.setPen(pen)
        painter.drawLine(start, end)


def _paint_ring(painter: QPainter, centre: QPointF, colour: str) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in _rimmed(colour, _RING_PX):
        painter.setPen(pen)
        painter.drawEllipse(centre, _RING_RADIUS_PX, _RING_RADIUS_PX)


def _paint_dot(painter: QPainter, centre: QPointF, colour: str) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    rim = (_RIM_COLOUR, _DOT_RADIUS_PX + _RIM_PX)
    for fill, radius_px in (rim, (colour, _DOT_RADIUS_PX)):
        painter.setBrush(QColor(fill))
        painter.drawEllipse(centre, radius_px, radius_px)


def _rimmed(colour: str, width_px: float) -> tuple[QPen, QPen]:
    return QPen(QColor(_RIM_COLOUR), width_px + 2 * _RIM_PX), QPen(QColor(colour), width_px)
