"""One drag in the real Krita, on a virtual screen, with the real bridge and the real engine.

`driver/` plays the artist once; the tests here judge what it saw.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from bridge_client.client import BridgeClient
from bridge_client.discovery import RUNTIME_DIR_VARIABLE, read_discovery_file
from draglayer_cli.kritarc import enable_plugin
from tests.picture_truth import moved_share

REPOSITORY = Path(__file__).parents[2]
DRIVER = Path(__file__).parent / "driver"
DEMO = REPOSITORY / "draglayer_cli" / "assets" / "demo"
EDIT = "The head turns"
# Kept for a person to look at.
OUT = REPOSITORY / "out" / "krita"
SCREEN = (1600, 1000)
EDIT_PATIENCE_S = 420
TIMEOUT_S = EDIT_PATIENCE_S + 180

pytestmark = [pytest.mark.krita, pytest.mark.slow, pytest.mark.timeout(TIMEOUT_S + 60)]


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the artist planned, and what was seen.

    Args:
        plan: Picture, layer, selection (x, y, width, height) and pairs, in canvas px.
        report: What the artist's plug-in wrote.
        krita_output: Krita's standard output and error.
    """

    plan: dict
    report: dict
    krita_output: str

    def composite(self, when: str) -> np.ndarray:
        """(900, 1200, 4), uint8, BGRA: the document as it showed."""
        return self._pixels(f"{when}.composite.bgra")

    def source(self, when: str) -> np.ndarray:
        """(900, 1200, 4), uint8, BGRA: the edited layer on the canvas."""
        return self._pixels(f"{when}.source.bgra")

    def edited(self) -> np.ndarray:
        """(900, 1200, 4), uint8, BGRA: the edited layer with the new one above it."""
        x, y, width, height = self.report["new_layer"]["bounds"]
        new = np.fromfile(OUT / "new_layer.bgra", dtype=np.uint8).reshape(height, width, 4)
        edited = self.source("before").astype(np.float32)
        under = edited[y : y + height, x : x + width, :3]
        alpha = new[..., 3:].astype(np.float32) / 255
        under += alpha * (new[..., :3] - under)
        return edited.round().astype(np.uint8)

    def _pixels(self, name: str) -> np.ndarray:
        width, height = self.plan["canvas"]
        return np.fromfile(OUT / name, dtype=np.uint8).reshape(height, width, 4)


@pytest.fixture(scope="module")
def evidence(demand_programs, krita_environment, tmp_path_factory) -> Iterator[Evidence]:
    """The whole edit, done once."""
    demand_programs("krita", "xvfb-run", "xauth", "xdotool", "import")
    folder = tmp_path_factory.mktemp("happy-path")
    plan = _plan()
    (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    _install(krita_environment)
    environment = {
        **krita_environment,
        "DRAGLAYER_E2E_PLAN": str(folder / "plan.json"),
        RUNTIME_DIR_VARIABLE: str(folder / "run"),
    }
    try:
        output = _run_krita(environment)
    finally:
        _stop_bridge(folder / "run")
    report = json.loads((OUT / "report.json").read_text(encoding="utf-8"))
    yield Evidence(plan=plan, report=report, krita_output=output)


def _plan() -> dict:
    demo = json.loads((DEMO / "demo.json").read_text(encoding="utf-8"))
    (edit,) = (edit for edit in demo["edits"] if edit["name"] == EDIT)
    selection = demo["selection"]
    return {
        "picture": str(DEMO / "demo.ora"),
        "canvas": [demo["canvas"]["width"], demo["canvas"]["height"]],
        "layer": "portrait",
        "selection": [selection[side] for side in ("x", "y", "width", "height")],
        "keypoints": edit["keypoints"],
        "pairs": [[pair["handle"], pair["target"]] for pair in edit["pairs"]],
        "screen": SCREEN,
        "out": str(OUT),
        "edit_patience_s": EDIT_PATIENCE_S,
    }


def _install(environment: dict[str, str]) -> None:
    """Installs the plug-in as a person does, and beside it the test's own."""
    code = "from draglayer_cli.main import main; main()"
    subprocess.run(
        [sys.executable, "-c", code, "install", "krita", "--enable"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    plugins = Path(environment["XDG_DATA_HOME"]) / "krita" / "pykrita"
    shutil.copytree(DRIVER, plugins, dirs_exist_ok=True)
    enable_plugin(Path(environment["XDG_CONFIG_HOME"]) / "kritarc", "draglayer_driver")


def _run_krita(environment: dict[str, str]) -> str:
    """Runs Krita until the artist is done; gives what it printed."""
    width, height = SCREEN
    # Else the server begins anew whenever its last client leaves, and turns away who comes then.
    server = f"-screen 0 {width}x{height}x24 -nolisten tcp -noreset"
    display = ["xvfb-run", "-a", "-s", server]
    log = OUT / "krita.log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            [*display, "krita", "--nosplash"],
            env={**environment, "QT_QPA_PLATFORM": "xcb"},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = process.wait(timeout=TIMEOUT_S)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    output = log.read_text(encoding="utf-8", errors="replace")
    failure = OUT / "failure.txt"
    if code or failure.exists():
        said = failure.read_text(encoding="utf-8") if failure.exists() else output
        pytest.fail(f"the artist in Krita ended with {code}; pictures in {OUT}:\n{said}")
    return output


def _stop_bridge(folder: Path) -> None:
    record = read_discovery_file(folder)
    if record is not None:
        BridgeClient.prove(record).shut_down()


def _outside_selection(evidence: Evidence) -> np.ndarray:
    """(900, 1200), bool: what the artist did not select."""
    x, y, width, height = evidence.report["selection"]
    canvas_width, canvas_height = evidence.plan["canvas"]
    outside = np.ones((canvas_height, canvas_width), dtype=bool)
    outside[y : y + height, x : x + width] = False
    return outside


def _window_rgb(evidence: Evidence, picture: np.ndarray) -> np.ndarray:
    """(320, 320, 3), uint8, RGB: the head alone, as the demo's selection frames it."""
    x, y, width, height = evidence.plan["selection"]
    return picture[y : y + height, x : x + width, 2::-1]


def test_krita_loaded_the_plug_in_without_complaint(evidence):
    assert "Error loading plugin" not in evidence.krita_output
    assert "Traceback" not in evidence.krita_output


def test_the_docker_said_what_it_would_take(evidence):
    _, _, width, height = evidence.report["selection"]
    assert evidence.report["input_text"].splitlines() == [
        "Layer: portrait",
        f"Arrows: {len(evidence.plan['pairs'])} on Vector Layer 1",
        f"May move: the selection, {width} × {height} px",
    ]


def test_a_check_before_the_drag_says_whether_the_point_can_be_followed(evidence):
    assert evidence.report["checked_text"] == "Every point can be followed."


def test_progress_and_a_preview_were_shown(evidence):
    assert evidence.report["progress"] > 0
    assert evidence.report["has_preview"]
    assert evidence.report["running_text"]


def test_before_the_drag_it_is_said_how_well_the_model_draws_the_picture(evidence):
    assert evidence.report["running_text"].startswith("The model can draw this picture.")


def test_a_drag_that_was_undone_is_not_inserted_and_a_weaker_one_is(evidence):
    assert evidence.report["undone_text"] == "This is the picture before the drag."
    assert not evidence.report["can_insert_undone"]
    assert evidence.report["amount_text"] == "90 %"


def test_an_earlier_step_of_the_drag_was_looked_at(evidence):
    position, last = map(int, evidence.report["position_text"].split(" of "))
    assert 0 < last and position < last


def test_the_new_layer_is_right_above_the_edited_one(evidence):
    names = list(evidence.report["names_before"])
    names.insert(names.index("portrait") + 1, "portrait dragged")
    assert evidence.report["names_after"] == names


def test_the_new_layer_lies_inside_the_selection(evidence):
    left, top, width, height = evidence.report["selection"]
    x, y, new_width, new_height = evidence.report["new_layer"]["bounds"]
    assert new_width > 0 and new_height > 0
    assert left <= x and top <= y
    assert x + new_width <= left + width and y + new_height <= top + height


@pytest.mark.parametrize("when", ["with_arrows", "after", "undone"])
def test_the_edited_layer_keeps_its_bytes(evidence, when):
    assert np.array_equal(evidence.source(when), evidence.source("before"))


def test_outside_the_selection_the_picture_is_the_same(evidence):
    outside = _outside_selection(evidence)
    before, after = evidence.composite("with_arrows"), evidence.composite("after")
    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before, after)


def test_the_artist_stays_on_the_vector_layer(evidence):
    assert evidence.report["active_after"] == evidence.report["active_before"] == "Vector Layer 1"


def test_the_marked_parts_moved_at_least_half_of_the_way(evidence):
    before = _window_rgb(evidence, evidence.source("before"))
    after = _window_rgb(evidence, evidence.edited())
    corner = evidence.plan["selection"][:2]
    shares = {
        keypoint: moved_share(
            before, after, keypoint, np.subtract(handle, corner), np.subtract(target, corner)
        )
        for keypoint, (handle, target) in zip(
            evidence.plan["keypoints"], evidence.plan["pairs"], strict=True
        )
    }
    assert min(shares.values()) >= 0.5, shares


def test_one_undo_brings_the_picture_back(evidence):
    assert np.array_equal(evidence.composite("undone"), evidence.composite("with_arrows"))


def test_of_a_translucent_layer_an_edited_copy_takes_the_place(evidence):
    replaced = evidence.report["replaced"]
    assert replaced["names"] == evidence.report["names_after"]
    assert replaced["text"] == "Inserted in place of “portrait”, which is hidden now."
    assert not replaced["is_source_visible"]
    assert (replaced["opacity"], replaced["blending_mode"]) == (153, "normal")
    assert np.array_equal(evidence.source("replaced"), evidence.source("before"))


def test_a_replacement_too_leaves_the_picture_outside_the_selection(evidence):
    outside = _outside_selection(evidence)
    before, after = evidence.composite("translucent"), evidence.composite("replaced")
    assert np.array_equal(before[outside], after[outside])
    assert not np.array_equal(before, after)


def test_one_undo_brings_the_translucent_layer_back(evidence):
    assert np.array_equal(evidence.composite("restored"), evidence.composite("translucent"))
