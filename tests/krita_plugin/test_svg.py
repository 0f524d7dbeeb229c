"""Reading lines from the SVG that Krita writes; the documents are as Krita 5.1 wrote them."""

import pytest


@pytest.fixture
def read(plugin):
    """The lines of some shapes in a document of 100 pixels per inch."""
    read_lines = plugin("svg").read_lines

    def read(shapes, x_px_per_inch=100.0, y_px_per_inch=100.0):
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" width="288pt" height="216pt"'
            f' viewBox="0 0 288 216"><defs/>{shapes}</svg>'
        )
        return read_lines(svg, x_px_per_inch=x_px_per_inch, y_px_per_inch=y_px_per_inch)

    return read


def coordinates(lines):
    """The pairs as plain numbers, for comparison."""
    return [(pair.handle.x, pair.handle.y, pair.target.x, pair.target.y) for pair in lines.pairs]


def test_a_line_is_read_in_pixels_from_press_to_release(read):
    lines = read('<path transform="translate(72, 57.6)" d="M0 0L86.4 57.6"/>')
    assert coordinates(lines) == [pytest.approx((100, 80, 220, 160))]


def test_a_line_drawn_from_right_to_left_keeps_its_direction(read):
    lines = read('<path d="M50.4 57.6L0 0"/>')
    assert coordinates(lines) == [pytest.approx((70, 80, 0, 0))]


def test_each_axis_has_its_own_resolution(read):
    lines = read('<path d="M0 0L72 72"/>', x_px_per_inch=150.0, y_px_per_inch=300.0)
    assert coordinates(lines) == [pytest.approx((0, 0, 150, 300))]


def test_a_shapes_matrix_is_applied_before_its_groups(read):
    lines = read(
        '<g transform="translate(7.2, 0)"><g transform="scale(2)">'
        '<path transform="matrix(0 1 -1 0 36 0)" d="M0 0L36 0"/></g></g>'
    )
    assert coordinates(lines) == [pytest.approx((110, 0, 110, 100))]


def test_rotation_about_a_point_and_tiny_numbers_are_read(read):
    lines = read('<path transform="rotate(90, 36, 36)" d="M36 4.4e-17L36 36"/>')
    assert coordinates(lines) == [pytest.approx((100, 50, 50, 50))]


@pytest.mark.parametrize("path", ["M7.2,0h36", "M7.2 0 43.2 0", "m7.2 0 36 0", "m7.2 0l36-0"])
def test_every_way_to_write_a_line_is_read(read, path):
    assert coordinates(read(f'<path d="{path}"/>')) == [pytest.approx((10, 0, 60, 0))]


def test_each_sub_path_is_a_line_of_its_own_in_drawing_order(read):
    lines = read('<path d="M0 0L72 0M0 36L72 36"/><path d="M0 7.2V72"/>')
    assert [pair.handle.y for pair in lines.pairs] == pytest.approx([0, 50, 10])


@pytest.mark.parametrize(
    "shape",
    [
        '<path d="M0 0C40.5 40.5 6.17 2.47 72 28.8"/>',
        '<path d="M0 0L57.6 7.2L28.8 50.4L72 72"/>',
        '<path d="M0 0L57.6 7.2Z"/>',
        '<path d="M0 0A9 9 0 0 1 36 36"/>',
        '<rect x="1" y="1" width="30" height="20"/>',
        '<polygon points="0,0 9,0 9,9"/>',
    ],
)
def test_other_shapes_are_counted_and_left_out(read, shape):
    lines = read(shape)
    assert (lines.pairs, lines.other_count) == ((), 1)


@pytest.mark.parametrize(
    "shape",
    [
        '<path d="M36 7.2L36.5 7.7"/>',
        '<circle cx="36" cy="7.2" r="4"/>',
        '<ellipse transform="translate(28.8, 0)" cx="7.2" cy="7.2" rx="4" ry="9"/>',
    ],
)
def test_what_leads_nowhere_is_a_pin(read, shape):
    lines = read(shape)
    assert coordinates(lines) == [pytest.approx((50, 10, 50, 10))]
    assert lines.pairs[0].is_pin and lines.other_count == 0


def test_an_arrowheads_marker_is_not_a_line(read):
    lines = read('<defs><marker><path d="M0 0L9 9"/></marker></defs><path d="M0 0L0 72"/>')
    assert len(lines.pairs) == 1


@pytest.mark.parametrize(
    "shape",
    [
        '<path d="M0 0L1"/>',
        '<path d="M0 0L0 72Z9"/>',
        '<path transform="matrix(1 0 0)" d="M0 0L0 72"/>',
        '<path transform="bend(4)" d="M0 0L0 72"/>',
        "<path",
    ],
)
def test_what_is_broken_is_refused(read, shape):
    with pytest.raises(ValueError, match=r"\w"):
        read(shape)


def test_a_layer_without_shapes_has_no_lines(read):
    lines = read("")
    assert (lines.pairs, lines.other_count) == ((), 0)


def test_kritas_empty_text_for_a_layer_without_shapes_has_no_lines(plugin):
    lines = plugin("svg").read_lines("", x_px_per_inch=72.0, y_px_per_inch=72.0)
    assert lines == plugin("svg").DrawnLines()
