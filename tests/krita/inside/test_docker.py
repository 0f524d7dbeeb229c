"""The docker's widgets with real Qt, offscreen, and a worker that only remembers."""

import struct

import pytest
from draglayer_krita._vendor.bridge_client import (
    Bounds,
    DragProgress,
    EditModel,
    EditState,
    Extent,
    Failed,
    HandleHint,
    HandlesChecked,
    HistoryChanged,
    HistoryState,
    InversionProfile,
    LayerResult,
    Point,
    PointPair,
    PreviewReady,
    ResultReady,
    Seen,
    StateChanged,
)
from draglayer_krita.docker import DraglayerDocker
from draglayer_krita.editor import LayerEditor
from draglayer_krita.pump import Pump
from draglayer_krita.settings import Settings
from krita import Krita
from PyQt5.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QLabel,
    QProgressBar,
    QPushButton,
    QScrollArea,
    QSlider,
    QSpinBox,
)


class RememberingWorker:
    """A worker without thread and bridge; a test puts in the events."""

    def __init__(self):
        self.events, self.is_closed = [], False
        self.error, self.asked = None, []

    def start(self, request):
        """Not reached without a canvas."""

    def cancel(self):
        """Raises what the test wants."""
        if self.error is not None:
            raise self.error

    def pause(self):
        """Remembers."""
        self.asked.append("pause")

    def resume(self):
        """Remembers."""
        self.asked.append("resume")

    def undo(self):
        """Remembers."""
        self.asked.append("undo")

    def redo(self):
        """Remembers."""
        self.asked.append("redo")

    def check_on(self, pairs):
        """Remembers."""
        self.asked.append("check")

    def show(self, *, amount=None, position=None):
        """Remembers."""
        self.asked.append(amount if position is None else ("step", position))

    def drain(self):
        """The test's events, once."""
        events, self.events = self.events, []
        return events

    def close(self, timeout_s):
        """Remembers."""
        self.is_closed = True


@pytest.fixture
def worker():
    """The worker behind the docker."""
    return RememberingWorker()


@pytest.fixture
def pump(worker):
    """The pump of an editor without a canvas."""
    editor = LayerEditor(
        model=EditModel(),
        worker=worker,
        read_canvas=lambda: None,
        settings=Settings(Krita.instance()),
        later=lambda call: call(),
    )
    pump = Pump(editor, worker)
    yield pump
    pump.close()


@pytest.fixture
def docker(pump):
    """The docker."""
    docker = DraglayerDocker(pump)
    yield docker
    docker.deleteLater()


BUTTONS = ("start", "check", "pause", "cancel", "drag_on", "undo", "redo", "insert")


def child(docker, kind, name):
    """A widget of the docker."""
    found = docker.findChild(kind, f"draglayer_{name}")
    assert found is not None
    return found


def buttons(docker):
    """Which buttons can be pressed."""
    return {name for name in BUTTONS if child(docker, QAbstractButton, name).isEnabled()}


def give_source(pump):
    """The model gets a layer and a line."""
    pump.editor.model.set_source(
        canvas=Extent(40, 30), layer_content=Bounds(0, 0, 40, 30), selection=None
    )
    pump.editor.model.set_pairs([PointPair(Point(1, 1), Point(9, 9))])


def test_without_a_picture_nothing_can_be_pressed_and_the_way_on_is_said(docker):
    docker.canvasChanged(None)
    assert buttons(docker) == set()
    assert child(docker, QLabel, "input").text() == "Open a picture."
    assert "first visible vector layer above" in child(docker, QLabel, "hint").text()


def test_the_buttons_follow_the_edit(docker, pump, worker):
    give_source(pump)
    docker.show_state()
    assert buttons(docker) == {"start", "check"}
    pump.editor.model.mark_started()
    docker.show_state()
    assert buttons(docker) == {"cancel"}
    result = LayerResult(Bounds(0, 0, 1, 1), bytes(4), "bgra8")
    worker.events = [ResultReady(result, "reached"), StateChanged(EditState.DONE)]
    pump._tick()
    assert buttons(docker) == {"start", "check", "insert"}


def test_pause_becomes_resume_and_back(docker, pump, worker):
    give_source(pump)
    pump.editor.model.mark_started()
    button = child(docker, QPushButton, "pause")
    for state in (EditState.DRAGGING, EditState.PAUSED):
        worker.events = [StateChanged(state)]
        pump._tick()
        assert buttons(docker) == {"pause", "cancel"}
        button.click()
    assert worker.asked == ["pause", "resume"] and button.text() == "Resume"


def finish(pump, worker, **history):
    """A drag ends."""
    result = LayerResult(Bounds(0, 0, 1, 1), bytes(4), "bgra8")
    done = [ResultReady(result, "reached"), StateChanged(EditState.DONE)]
    worker.events = [HistoryChanged(HistoryState(**history)), *done]
    pump._tick()


def test_what_goes_on_from_a_drag_is_there_after_it(docker, pump, worker):
    afterwards = child(docker, QAbstractButton, "undo").parentWidget()
    give_source(pump)
    docker.show_state()
    assert afterwards.isHidden()
    pump.editor.model.mark_started()
    finish(pump, worker, undo_depth=1)
    assert not afterwards.isHidden()
    assert buttons(docker) == {"start", "undo", "insert"}
    pump.editor.model.set_pairs([PointPair(Point(1, 1), Point(4, 9))])
    docker.show_state()
    assert buttons(docker) == {"start", "check", "drag_on", "undo", "insert"}
    child(docker, QAbstractButton, "undo").click()
    assert worker.asked == ["undo"] and buttons(docker) == {"cancel"}
    finish(pump, worker, redo_depth=1)
    assert buttons(docker) == {"start", "check", "drag_on", "redo"}


def test_pause_and_drag_on_have_one_place(docker, pump, worker):
    def shown():
        names = ("pause", "drag_on")
        return [not child(docker, QPushButton, name).isHidden() for name in names]

    give_source(pump)
    docker.show_state()
    assert shown() == [True, False]
    pump.editor.model.mark_started()
    finish(pump, worker, undo_depth=1)
    assert shown() == [False, True]
    pump.editor.model.mark_moving()
    docker.show_state()
    assert shown() == [False, True]
    pump.editor.model.mark_dragging_on()
    docker.show_state()
    assert shown() == [True, False]


def test_the_slider_weakens_and_strengthens_and_shows_what_is(docker, pump, worker):
    give_source(pump)
    pump.editor.model.mark_started()
    finish(pump, worker, undo_depth=1)
    slider, text = child(docker, QSlider, "amount"), child(docker, QLabel, "amount_text")
    assert (slider.value(), slider.maximum(), text.text(), worker.asked) == (100, 150, "100 %", [])
    for percent in (70, 40):
        slider.setValue(percent)
        assert slider.isEnabled() and text.text() == f"{percent} %"
    assert worker.asked == [0.7, 0.4]
    finish(pump, worker, undo_depth=1, amount=0.5)
    assert (slider.value(), worker.asked) == (50, [0.7, 0.4])


def test_the_step_slider_goes_through_the_drag_and_shows_what_is(docker, pump, worker):
    give_source(pump)
    pump.editor.model.mark_started()
    finish(pump, worker, undo_depth=1, position=12, last_position=12)
    slider, text = child(docker, QSlider, "position"), child(docker, QLabel, "position_text")
    assert (slider.value(), slider.maximum(), text.text()) == (12, 12, "12 of 12")
    for position in (5, 3):
        slider.setValue(position)
        assert slider.isEnabled() and text.text() == f"{position} of 12"
    assert worker.asked == [("step", 5), ("step", 3)]
    finish(pump, worker, undo_depth=1, position=4, last_position=9)
    assert (slider.value(), text.text(), len(worker.asked)) == (4, "4 of 9", 2)


def test_a_drag_without_a_step_has_none_to_go_to(docker, pump, worker):
    give_source(pump)
    pump.editor.model.mark_started()
    finish(pump, worker, undo_depth=1)
    assert not child(docker, QSlider, "position").isEnabled()
    assert child(docker, QLabel, "position_text").text() == ""
    assert child(docker, QSlider, "amount").isEnabled()


def test_check_says_what_it_does_or_why_it_can_not(docker, pump, worker):
    button = child(docker, QPushButton, "check")
    docker.show_state()
    assert not button.isEnabled() and button.toolTip() == pump.editor.model.why_not_check
    give_source(pump)
    docker.show_state()
    assert button.isEnabled() and "before they are dragged" in button.toolTip()


def test_what_a_check_found_is_said_and_marked(docker, pump, worker):
    model = pump.editor.model
    give_source(pump)
    model.mark_checking()
    hint = HandleHint(
        confidence=0.0, is_trackable=False, best_place_canvas=Point(4, 2), best_confidence=0.9
    )
    worker.events = [HandlesChecked(model.pairs, (hint,)), StateChanged(EditState.DONE)]
    pump._tick()
    said = "The point at (1, 1) is hard to follow; one at (4, 2) would be easier."
    assert child(docker, QLabel, "status").text() == said
    assert child(docker, QLabel, "preview")._marks == model.marks


@pytest.mark.parametrize(
    ("name", "first_text", "chosen"),
    [
        ("profile", "Fast", InversionProfile.BALANCED),
        ("seen", "The selection", Seen.LAYER),
    ],
)
def test_a_choice_is_kept_in_kritas_settings(docker, pump, name, first_text, chosen):
    box = child(docker, QComboBox, name)
    assert box.currentText() == first_text
    first = box.currentIndex()
    box.setCurrentIndex(box.findData(chosen.value))
    assert getattr(pump.editor.settings, name) is chosen
    box.setCurrentIndex(first)


def test_progress_and_its_text_are_shown(docker, pump, worker):
    give_source(pump)
    pump.editor.model.mark_started()
    worker.events = [
        StateChanged(EditState.DRAGGING),
        DragProgress(4, 10, (Point(2, 2),), 7.25),
    ]
    pump._tick()
    model = pump.editor.model
    assert child(docker, QProgressBar, "progress").value() == round(1000 * model.progress) > 500
    assert child(docker, QLabel, "status").text() == model.status_text
    assert "of at most 10" in model.status_text


def test_the_hint_makes_room_once_start_can_be_pressed(docker, pump):
    assert not child(docker, QScrollArea, "hint_area").isHidden()
    assert child(docker, QProgressBar, "progress").isHidden()
    give_source(pump)
    pump.editor.model.mark_started()
    docker.show_state()
    assert child(docker, QScrollArea, "hint_area").isHidden()
    assert not child(docker, QProgressBar, "progress").isHidden()


def test_a_preview_is_shown_as_large_as_there_is_room(docker, pump, worker, tmp_path):
    pump.editor.model.mark_started()
    preview = child(docker, QLabel, "preview")
    preview.resize(300, 400)
    worker.events = [PreviewReady(jpeg_of(8, 4, tmp_path))]
    pump._tick()
    assert not preview.isHidden()
    assert (preview.pixmap().width(), preview.pixmap().height()) == (300, 150)


def jpeg_of(width, height, folder):
    """A JPEG written by Qt."""
    from draglayer_krita.qt import QImage

    row = struct.pack("<I", 0xFF336699) * width
    image = QImage(row * height, width, height, 4 * width, QImage.Format.Format_ARGB32)
    path = folder / "preview.jpg"
    assert image.save(str(path), "JPEG")
    return path.read_bytes()


def test_a_broken_preview_is_left_out(docker, pump, worker):
    worker.events = [PreviewReady(b"not a picture")]
    pump._tick()
    pixmap = child(docker, QLabel, "preview").pixmap()
    assert pixmap is None or pixmap.isNull()


def test_a_failure_is_a_sentence_in_the_docker(docker, pump, worker):
    pump.editor.model.mark_started()
    worker.events = [Failed("No bridge.", "Start it."), StateChanged(EditState.FAILED)]
    pump._tick()
    assert child(docker, QLabel, "status").text() == "No bridge. Start it."


def test_a_mistake_of_ours_is_a_sentence_and_never_krita_script_error(docker, pump, worker, caplog):
    give_source(pump)
    pump.editor.model.mark_started()
    docker.show_state()
    worker.error = RuntimeError("boom")
    pump.editor.look()
    child(docker, QPushButton, "cancel").click()
    assert "boom" in caplog.text
    pump.editor.model.apply(StateChanged(EditState.DONE))
    docker.show_state()
    assert "made a mistake" in child(docker, QLabel, "status").text()


def test_layer_names_are_text_and_not_markup(docker):
    from draglayer_krita.qt import Qt

    for name in ("input", "status", "hint"):
        assert child(docker, QLabel, name).textFormat() == Qt.TextFormat.PlainText


def test_the_step_budget_is_kept_in_kritas_settings(docker, pump):
    spin_box = child(docker, QSpinBox, "steps")
    spin_box.setValue(33)
    assert pump.editor.settings.step_budget == 33
    spin_box.setValue(0)
    assert pump.editor.settings.step_budget is None


def test_two_dockers_show_one_edit(docker, pump):
    second = DraglayerDocker(pump)
    give_source(pump)
    pump.changed.emit()
    assert buttons(docker) == buttons(second) == {"start", "check"}
    second.deleteLater()


def test_the_worker_ends_with_krita(pump, worker):
    pump.close()
    assert worker.is_closed
