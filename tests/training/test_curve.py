"""The chart of a run: well-formed, and every record lies where its value is."""

from xml.etree import ElementTree

from training.curve import HEIGHT, MARGIN, WIDTH, chart

SVG = "{http://www.w3.org/2000/svg}"
CURVE = [
    {"pictures": 100, "size": 16, "l1": 0.1},
    {"pictures": 200, "size": 16, "l1": 0.01},
    {"pictures": 400, "size": 32, "l1": 0.001},
]


def lines_of(svg):
    paths = [p.get("d") for p in ElementTree.fromstring(svg).iter(f"{SVG}path")]
    return [
        [tuple(map(float, point.split(","))) for point in d[1:].split("L")]
        for d in paths
        if "L" in d or "," in d
    ]


def test_every_record_lies_at_its_place_on_a_logarithmic_axis():
    first, second = lines_of(chart(CURVE, []))
    across, down = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    assert first == [(MARGIN + across / 4, MARGIN), (MARGIN + across / 2, MARGIN + down / 2)]
    assert second == [(WIDTH - MARGIN, MARGIN + down)]


def test_distances_get_axes_of_their_own():
    distances = [
        {"pictures": pictures, "size": 16, "distance": distance}
        for pictures, distance in ((100, 9.0), (400, 1.0))
    ]
    *_, last = lines_of(chart(CURVE, distances))
    assert [y for _, y in last] == [HEIGHT + MARGIN, 2 * HEIGHT - MARGIN]
