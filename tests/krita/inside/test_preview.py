"""The preview with real Qt, offscreen: where the marks lie, and in which colour."""

import pytest
from draglayer_krita._vendor.bridge_client import Bounds, PairMark, Point
from draglayer_krita.preview import PreviewLabel
from PyQt5.QtCore import QBuffer, QIODevice
from PyQt5.QtGui import QColor, QImage

WINDOW = Bounds(100, 50, 40, 40)
GROUND = QColor("#808080")
RED, BLUE, ORANGE, GREEN = (QColor(name) for name in ("#e02020", "#2060e0", "#f0a000", "#20a040"))


@pytest.fixture
def label():
    """A preview that is wider than high."""
    label = PreviewLabel()
    label.resize(400, 200)
    yield label
    label.deleteLater()


def picture():
    """A gray JPEG."""
    image = QImage(32, 32, QImage.Format.Format_RGB32)
    image.fill(GROUND)
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    assert image.save(buffer, "JPEG", 100)
    return bytes(buffer.data())


def arrow(**changes):
    """From a quarter of the window to three quarters of it, along a row at its middle."""
    known = {"handle": Point(110, 70), "target": Point(130, 70), "is_pin": False, **changes}
    return PairMark(**known)


def drawn(label, *marks):
    """What the label shows of them, on itself: the picture is 200 px wide and 100 px in."""
    label.show_edit(picture(), WINDOW, marks)
    return label.grab().toImage()


def colour(image, x, y):
    """The colour at a place of the label, which is drawn 5 times as large as the canvas."""
    return QColor(image.pixel(round(x), round(y)))


def on_label(place):
    """Where a place of the canvas lies on the label."""
    return 100 + 5 * (place.x - WINDOW.x), 5 * (place.y - WINDOW.y)


def is_ground(found):
    """Whether nothing was drawn there; a JPEG may miss by a little."""
    return all(abs(part - 128) <= 2 for part in (found.red(), found.green(), found.blue()))


def test_beside_the_picture_a_wide_label_stays_as_it_is(label):
    image = drawn(label, arrow(handle=Point(100, 70)))
    assert (label.pixmap().width(), label.pixmap().height()) == (200, 200)
    assert image.pixel(98, 100) == image.pixel(10, 10)


def test_handle_way_and_target_lie_where_they_are_in_the_picture(label):
    mark = arrow()
    image = drawn(label, mark)
    assert colour(image, *on_label(mark.handle)) == RED
    assert colour(image, *on_label(mark.target)) == BLUE
    middle_x, middle_y = on_label(Point(120, 70))
    between = colour(image, middle_x, middle_y)
    assert between.blue() > between.red() + 40
    assert is_ground(colour(image, middle_x, middle_y + 6))
    assert is_ground(colour(image, *on_label(Point(105, 70))))


def test_a_label_higher_than_wide_maps_as_well(label):
    label.resize(160, 300)
    image = drawn(label, arrow())
    assert (label.pixmap().width(), label.pixmap().height()) == (160, 160)
    assert colour(image, 40, 150) == RED
    assert colour(image, 120, 150) == BLUE


def test_a_handle_that_may_be_lost_has_another_colour(label):
    mark = arrow(is_sure=False)
    assert colour(drawn(label, mark), *on_label(mark.handle)) == ORANGE


def ring_colours(image, centre):
    """The colours on the ring about a place and at its middle."""
    x, y = on_label(centre)
    return colour(image, x, y), {colour(image, x + 4, y).name(), colour(image, x - 4, y).name()}


def test_a_pin_is_a_hollow_ring(label):
    pin = PairMark(handle=Point(120, 70), target=Point(120, 70), is_pin=True)
    middle, around = ring_colours(drawn(label, pin), pin.handle)
    assert is_ground(middle) and RED.name() in around


def test_what_would_be_easier_is_a_green_ring(label):
    mark = arrow(is_sure=False, easier=Point(110, 80))
    middle, around = ring_colours(drawn(label, mark), mark.easier)
    assert is_ground(middle) and GREEN.name() in around


def test_marks_have_white_rims(label):
    mark = arrow(target=Point(110, 60))
    x, y = on_label(mark.handle)
    image = drawn(label, mark)
    assert colour(image, x + 1, y) == RED
    assert colour(image, x + 3, y).lightness() > 220


def test_marks_go_with_the_picture_and_leave_none_behind(label):
    mark = arrow()
    drawn(label, mark)
    assert is_ground(colour(drawn(label), *on_label(mark.handle)))
    label.show_edit(None, WINDOW, (mark,))
    assert label.pixmap() is None or label.pixmap().isNull()


def test_marks_that_lie_outside_are_left_out(label):
    mark = arrow(handle=Point(90, 70), target=Point(160, 200))
    image = drawn(label, mark)
    assert QColor(image.pixel(50, 100)) == QColor(image.pixel(50, 10))


def test_without_a_window_there_are_no_marks(label):
    label.show_edit(picture(), None, (arrow(),))
    assert is_ground(colour(label.grab().toImage(), *on_label(arrow().handle)))
