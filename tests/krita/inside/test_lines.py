"""Lines of a vector layer with the real Krita, from a hand-made document of 100 pixels per inch.

Cropping, scaling and turning the image are not here: without a window Krita 5.1 never crops the
shapes along, and may wait for ever for a vector layer that only its main loop would render.
"""

import zipfile

import pytest
from draglayer_krita.canvas import Canvas
from draglayer_krita.qt import own
from krita import Krita

# Krita refuses a document without this document type and `editor`.
MAIN_XML = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE DOC PUBLIC '-//KDE//DTD krita 2.0//EN' 'http://www.calligra.org/DTD/krita-2.0.dtd'>
<DOC xmlns="http://www.calligra.org/DTD/krita" syntaxVersion="2.0" kritaVersion="5.1.5"
 editor="Krita">
 <IMAGE mime="application/x-kra" name="lines" width="300" height="200" x-res="100" y-res="100"
  colorspacename="RGBA" profile="sRGB-elle-V2-srgbtrc.icc">
  <layers>
   <layer nodetype="shapelayer" name="arrows" filename="layer1" x="0" y="0" visible="1"
    uuid="{00000000-0000-0000-0000-000000000001}" opacity="255" compositeop="normal"/>
  </layers>
 </IMAGE>
</DOC>"""
# In pixels: from (100, 80) to (160, 90), from right to left from (150, 60) to (90, 50), and a
# circle about (200, 50).
SHAPES_SVG = """<svg xmlns="http://www.w3.org/2000/svg" width="216pt" height="144pt"
 viewBox="0 0 216 144">
 <path transform="translate(72, 57.6)" fill="none" stroke="#000" d="M0 0L43.2 7.2"/>
 <path transform="translate(64.8, 36)" fill="none" stroke="#000" d="M43.2 7.2L0 0"/>
 <path fill="none" stroke="#000" d="M0 0C40 40 6 2 72 28"/>
 <circle cx="144" cy="36" r="3" fill="none" stroke="#000"/>
</svg>"""
DRAWN = [(100, 80, 160, 90), (150, 60, 90, 50), (200, 50, 200, 50)]


@pytest.fixture
def document(desk, tmp_path):
    """The document with the vector layer."""
    path = tmp_path / "lines.kra"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/x-krita")
        archive.writestr("maindoc.xml", MAIN_XML)
        archive.writestr("lines/layers/layer1.shapelayer/content.svg", SHAPES_SVG)
    document = Krita.instance().openDocument(str(path))
    desk.documents.append(document)
    return document


def read(document):
    """The lines as the plug-in reads them."""
    (arrows,) = document.rootNode().childNodes()
    return Canvas(Krita.instance(), document, own).drawn_lines(arrows.uniqueId().toString())


def assert_lines(lines, expected):
    """The lines are these, to a thousandth of a pixel."""
    read_places = [
        place
        for pair in lines.pairs
        for place in (pair.handle.x, pair.handle.y, pair.target.x, pair.target.y)
    ]
    assert read_places == pytest.approx([place for line in expected for place in line], abs=1e-3)


def test_lines_are_read_in_canvas_pixels_with_their_direction(document):
    lines = read(document)
    assert_lines(lines, DRAWN)
    assert lines.other_count == 1


def test_lines_follow_a_moved_layer(document):
    document.rootNode().childNodes()[0].move(10, 20)
    assert_lines(read(document), [(x + 10, y + 20, u + 10, v + 20) for x, y, u, v in DRAWN])
