"""One edit in the real GIMP, by mouse and keyboard, from the open picture to the undone layer."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.gimp.artist import Artist
from tests.gimp.host import REPOSITORY, GimpHost
from tests.gimp.running import Watched, running_gimp
from tests.gimp.screen import PROGRAMS, Screen, running_screen
from tests.picture_truth import moved_share

pytestmark = [pytest.mark.gimp, pytest.mark.slow, pytest.mark.timeout(900)]

SHOTS = REPOSITORY / "out" / "gimp"
DEMO = REPOSITORY / "draglayer_cli" / "assets" / "demo"
SOURCE = "portrait"


@pytest.fixture
def screen(gimp_host: GimpHost) -> Iterator[Screen]:
    """A screen of the test's own."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing and os.environ.get("CI"):
        pytest.fail(f"CI has no {', '.join(missing)}")
    if missing:
        pytest.skip(f"needs {', '.join(missing)}")
    with running_screen(SHOTS) as running:
        yield running


@pytest.fixture
def demo() -> Any:
    """The demo's places, canvas px."""
    return json.loads((DEMO / "demo.json").read_text())


@pytest.fixture
def watched(
    gimp_host: GimpHost, gimp_profile: Path, screen: Screen, real_bridge: Path, tmp_path: Path
) -> Iterator[Watched]:
    """GIMP with the demo picture open."""
    picture = tmp_path / "demo.ora"
    shutil.copy(DEMO / "demo.ora", picture)
    with running_gimp(
        gimp_host, gimp_profile, screen, picture, folder=tmp_path, runtime=real_bridge
    ) as running:
        yield running


def test_one_edit_from_the_picture_to_its_undo(screen: Screen, watched: Watched, demo: Any) -> None:
    edit = next(each for each in demo["edits"] if each["name"] == "The head turns")
    (pair,) = edit["pairs"]
    artist = Artist(screen, watched, DEMO / "demo.png", mark=demo["keypoints"]["eye_left"])
    artist.choose_layer(SOURCE)
    artist.select(demo["selection"])
    artist.draw_pair(pair["handle"], pair["target"])
    screen.shoot("1-drawn")
    facts, picture = watched.facts(), watched.composite()

    artist.open_dialog()
    artist.check_points()
    artist.start_and_watch_preview()
    artist.look_at_what_was_before()
    artist.insert()
    screen.shoot("7-inserted")
    new_facts, new_picture = watched.facts(), watched.composite()
    check_layers(facts, new_facts)
    check_picture(picture, new_picture, demo["selection"])
    check_motion(picture, new_picture, demo["selection"], edit)

    artist.close_dialog()
    artist.undo()
    screen.shoot("8-undone")
    assert watched.facts()["layers"] == facts["layers"]
    assert np.array_equal(watched.composite(), picture)

    facts, picture = watched.ask("translucent"), watched.composite()
    artist.open_dialog()
    artist.start_and_watch_preview()
    artist.insert()
    screen.shoot("9-replaced")
    check_replacement(facts, watched.facts())
    check_picture(picture, watched.composite(), demo["selection"])
    artist.close_dialog()
    artist.undo()
    assert watched.facts()["layers"] == facts["layers"]
    assert np.array_equal(watched.composite(), picture)


def check_layers(facts: Any, new_facts: Any) -> None:
    """One new layer directly above its source, inside the selection; all others as they were."""
    new, *others = new_facts["layers"]
    assert others == facts["layers"]
    assert (new["name"], others[0]["name"]) == (f"{SOURCE} dragged", SOURCE)
    left, top, right, bottom = facts["selection"]
    x, y, width, height = new["place"]
    assert left <= x < x + width <= right
    assert top <= y < y + height <= bottom


def check_replacement(facts: Any, new_facts: Any) -> None:
    """A copy directly above its source, as translucent as that, which is hidden and else as it
    was."""
    new, source, *others = new_facts["layers"]
    assert [{**source, "is_visible": True}, *others] == facts["layers"]
    assert not source["is_visible"] and new["digest"] != source["digest"]
    kept = {name: new[name] for name in ("place", "opacity", "is_visible")}
    assert kept == {"place": source["place"], "opacity": 60, "is_visible": True}


def check_picture(before: np.ndarray, after: np.ndarray, selection: Any) -> None:
    """Outside the selection no byte changed; inside some did."""
    x, y = selection["x"], selection["y"]
    outside = np.ones(before.shape[:2], dtype=bool)
    outside[y : y + selection["height"], x : x + selection["width"]] = False
    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before[~outside], after[~outside])


def check_motion(before: np.ndarray, after: np.ndarray, selection: Any, edit: Any) -> None:
    """Every marked part moved at least half of its way; the judge never sees the engine."""
    x, y, side = selection["x"], selection["y"], selection["width"]
    head_before, head_after = (each[y : y + side, x : x + side] for each in (before, after))
    for keypoint, pair in zip(edit["keypoints"], edit["pairs"], strict=True):
        handle, target = (np.subtract(pair[end], (x, y)) for end in ("handle", "target"))
        share = moved_share(head_before, head_after, keypoint, handle, target)
        assert share >= 0.5, f"{keypoint} moved {share:.0%} of its way"
