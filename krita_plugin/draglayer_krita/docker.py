"""The docker's widgets and what they are bound to; it decides nothing."""

from collections.abc import Mapping
from typing import TypeVar

from krita import DockWidget, Krita

from ._vendor.bridge_client import (
    CHECK_HINT,
    MAX_AMOUNT,
    PROFILE_NAMES,
    SEEN_HINT,
    SEEN_NAMES,
    InversionProfile,
    Seen,
)
from .preview import PreviewLabel
from .pump import Pump
from .qt import (
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QSpinBox,
    Qt,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from .settings import LARGEST_STEP_BUDGET

Choice = TypeVar("Choice", InversionProfile, Seen)

DOCKER_ID = "draglayer"
TITLE = "Draglayer"
# Progress bars count in whole numbers; this many make it move smoothly.
PROGRESS_UNITS = 1000
FULL_AMOUNT_PERCENT = 100
# So wide that a slider beside it keeps its length while it is moved.
WIDEST_SLIDER_TEXT = "100 of 100"

HINT = (
    "Select what may move. On a vector layer above the picture, draw with the Line tool from where "
    "a part is to where it should be; a small brush size makes thin lines. A small circle (Ellipse "
    "tool) pins what shall stay.\n"
    "A paint layer is active: it is edited, with the lines of the first visible vector layer above "
    "it.\n"
    "A vector layer is active: the first visible paint layer below it is edited, with its lines."
)


class DraglayerDocker(DockWidget):
    """Start, Check, Pause, Cancel, progress, preview, what goes on from a finished drag, Insert.

    Args:
        pump: Shared by the dockers of all windows.
    """

    def __init__(self, pump: Pump) -> None:
        super().__init__()
        self._pump = pump
        self.setObjectName(DOCKER_ID)
        self.setWindowTitle(TITLE)
        self._make_widgets()
        self._lay_out()
        self._bind()
        self.show_state()

    def canvasChanged(self, canvas) -> None:  # noqa: N802 - Krita's name; it must exist
        """Krita shows another document, or none."""
        self._pump.run(self._pump.editor.look)

    def _make_widgets(self) -> None:
        self._hint = _wrapped(QLabel(HINT), "hint")
        self._hint_area = _scrolled(self._hint)
        self._input = _wrapped(QLabel(), "input")
        self._status = _wrapped(QLabel(), "status")
        self._preview = _named(PreviewLabel(), "preview")
        self._progress = _named(QProgressBar(), "progress")
        self._progress.setRange(0, PROGRESS_UNITS)
        self._start = _named(QPushButton("Start"), "start")
        self._check = _named(QPushButton("Check"), "check")
        self._pause = _named(QPushButton("Pause"), "pause")
        self._cancel = _named(QPushButton("Cancel"), "cancel")
        self._drag_on = _named(QPushButton("Drag on"), "drag_on")
        self._undo = _tool("edit-undo", "Undo the drag", "undo")
        self._redo = _tool("edit-redo", "Redo the drag", "redo")
        self._insert = _named(QPushButton("Insert as new layer"), "insert")
        self._amount = _named(QSlider(Qt.Orientation.Horizontal), "amount")
        self._amount.setRange(0, round(MAX_AMOUNT * FULL_AMOUNT_PERCENT))
        self._amount_text = _named(QLabel(), "amount_text")
        self._position = _named(QSlider(Qt.Orientation.Horizontal), "position")
        self._position.setPageStep(1)
        self._position_text = _named(QLabel(), "position_text")
        settings = self._pump.editor.settings
        self._seen = _choice(SEEN_NAMES, settings.seen, "seen")
        self._seen.setToolTip(SEEN_HINT)
        self._profile = _choice(PROFILE_NAMES, settings.profile, "profile")
        self._steps = _named(QSpinBox(), "steps")
        self._steps.setRange(0, LARGEST_STEP_BUDGET)
        self._steps.setSpecialValueText("automatic")
        self._steps.setValue(settings.step_budget or 0)

    def _lay_out(self) -> None:
        self._settings = QWidget()
        settings = QFormLayout(self._settings)
        settings.setContentsMargins(0, 0, 0, 0)
        settings.addRow("Model sees", self._seen)
        settings.addRow("Reading", self._profile)
        settings.addRow("Most steps", self._steps)
        self._afterwards = self._laid_out_afterwards()
        buttons = (self._start, self._check, self._drag_on, self._pause, self._cancel)
        content = QWidget()
        column = QVBoxLayout(content)
        for widget in (self._hint_area, self._input, self._preview, self._progress, self._status):
            column.addWidget(widget, 10 if widget is self._preview else 0)
        column.addStretch(1)
        column.addWidget(self._afterwards)
        column.addWidget(self._settings)
        column.addWidget(_row(*buttons))
        column.addWidget(self._insert)
        self.setWidget(content)

    def _laid_out_afterwards(self) -> QWidget:
        afterwards = QWidget()
        grid = QGridLayout(afterwards)
        grid.setContentsMargins(0, 0, 0, 0)
        for column, button in enumerate((self._undo, self._redo)):
            grid.addWidget(button, 0, column, 2, 1)
        rows = (
            ("Amount", self._amount, self._amount_text),
            ("Step", self._position, self._position_text),
        )
        for row, (name, slider, text) in enumerate(rows):
            grid.addWidget(QLabel(name), row, 2)
            grid.addWidget(slider, row, 3)
            grid.addWidget(text, row, 4)
            text.setMinimumWidth(text.fontMetrics().boundingRect(WIDEST_SLIDER_TEXT).width())
        return afterwards

    def _bind(self) -> None:
        pump, editor = self._pump, self._pump.editor
        pump.changed.connect(self._on_changed)
        self.visibilityChanged.connect(
            lambda is_visible: pump.watch(id(self), is_visible=is_visible)
        )
        self._start.clicked.connect(lambda: pump.run(editor.start))
        self._check.clicked.connect(lambda: pump.run(editor.check))
        controls = editor.controls
        self._pause.clicked.connect(lambda: pump.run(controls.toggle_pause))
        self._cancel.clicked.connect(lambda: pump.run(controls.cancel))
        self._drag_on.clicked.connect(lambda: pump.run(editor.drag_on))
        self._undo.clicked.connect(lambda: pump.run(controls.undo))
        self._redo.clicked.connect(lambda: pump.run(controls.redo))
        self._amount.valueChanged.connect(
            lambda percent: pump.run(lambda: controls.show_amount(percent / FULL_AMOUNT_PERCENT))
        )
        self._position.valueChanged.connect(
            lambda position: pump.run(lambda: controls.show_position(position))
        )
        self._seen.currentIndexChanged.connect(lambda: pump.run(self._set_seen))
        self._profile.currentIndexChanged.connect(lambda: pump.run(self._set_profile))
        self._insert.clicked.connect(lambda: pump.run(editor.insert))
        self._steps.valueChanged.connect(lambda steps: pump.run(lambda: self._set_steps(steps)))

    def _on_changed(self) -> None:
        self._pump.guard(self.show_state)

    def _set_steps(self, steps: int) -> None:
        self._pump.editor.settings.step_budget = steps or None

    def _set_seen(self) -> None:
        self._pump.editor.settings.seen = Seen(self._seen.currentData())

    def _set_profile(self) -> None:
        self._pump.editor.settings.profile = InversionProfile(self._profile.currentData())

    def show_state(self) -> None:
        """Shows the model as it is now."""
        editor, model = self._pump.editor, self._pump.editor.model
        has_edit = model.has_edit
        self._hint_area.setVisible(not has_edit and not model.can_start)
        self._input.setText(editor.input_text)
        self._status.setText(editor.status_text)
        self._progress.setVisible(model.is_dragging)
        self._progress.setValue(round(PROGRESS_UNITS * model.progress))
        self._preview.setVisible(has_edit and model.preview_jpeg is not None)
        self._preview.show_edit(model.preview_jpeg, model.shown_window_canvas, model.marks)
        self._start.setEnabled(model.can_start)
        self._start.setToolTip(model.why_not_start)
        self._check.setEnabled(model.can_check)
        self._check.setToolTip(model.why_not_check or CHECK_HINT)
        # A drag that runs is paused; one that has ended is dragged on: both have one place.
        self._pause.setVisible(model.is_dragging or not model.has_history)
        self._pause.setText(model.pause_text)
        self._pause.setEnabled(model.can_pause or model.can_resume)
        self._cancel.setEnabled(model.can_cancel)
        self._settings.setVisible(not model.is_dragging)
        self._show_afterwards()
        self._insert.setEnabled(model.can_insert)

    def _show_afterwards(self) -> None:
        model = self._pump.editor.model
        self._afterwards.setVisible(model.has_history)
        self._drag_on.setVisible(model.has_history and not model.is_dragging)
        self._drag_on.setEnabled(model.can_drag_on)
        self._drag_on.setToolTip(model.why_not_drag_on)
        self._undo.setEnabled(model.can_undo)
        self._redo.setEnabled(model.can_redo)
        self._show_sliders()

    def _show_sliders(self) -> None:
        model, history = self._pump.editor.model, self._pump.editor.model.history
        self._amount.setEnabled(model.can_show)
        self._position.setEnabled(model.can_show and history.last_position > 0)
        if not model.is_busy:
            # While one is being shown, what the artist's hand has asked for stands.
            _follow(self._amount, round(FULL_AMOUNT_PERCENT * history.amount))
            _follow(self._position, history.position, last=history.last_position)
        self._amount_text.setText(f"{self._amount.value()} %")
        place = f"{self._position.value()} of {self._position.maximum()}"
        self._position_text.setText(place if history.last_position else "")


def _follow(slider: QSlider, value: int, *, last: int | None = None) -> None:
    """Moves a slider without asking for what it then shows: only the artist's hand does that."""
    slider.blockSignals(True)
    if last is not None:
        slider.setMaximum(last)
    slider.setValue(value)
    slider.blockSignals(False)


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    for widget in widgets:
        layout.addWidget(widget)
    return row


def _tool(icon: str, tip: str, name: str) -> QToolButton:
    button = QToolButton()
    button.setIcon(Krita.instance().icon(icon))
    button.setToolTip(tip)
    button.setAutoRaise(True)
    return _named(button, name)


def _choice(names: Mapping[Choice, str], chosen: Choice, name: str) -> QComboBox:
    box = QComboBox()
    for choice, text in names.items():
        box.addItem(text, choice.value)
    box.setCurrentIndex(list(names).index(chosen))
    return _named(box, name)


def _named(widget: QWidget, name: str) -> QWidget:
    widget.setObjectName(f"{DOCKER_ID}_{name}")
    return widget


def _wrapped(label: QLabel, name: str) -> QLabel:
    label.setWordWrap(True)
    # Names of layers are the artist's text, not markup.
    label.setTextFormat(Qt.TextFormat.PlainText)
    return _named(label, name)


def _scrolled(label: QLabel) -> QScrollArea:
    # Krita's dockers share one column: text that finds no room there would be cut off.
    area = QScrollArea()
    area.setFrameShape(QScrollArea.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidgetResizable(True)
    area.setMinimumHeight(96)
    area.setWidget(label)
    return _named(area, "hint_area")
