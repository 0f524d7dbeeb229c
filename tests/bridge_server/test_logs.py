"""The log file: what it never holds, and how large it gets."""

from __future__ import annotations

import base64
import logging
import traceback
from pathlib import Path

import pytest

from bridge_client.geometry import Bounds
from bridge_server import logs
from bridge_server.access import make_token
from bridge_server.engine_port import LayerPixels, SessionSpec
from bridge_server.logs import LOG_FILE_NAME, log_file, log_folder, scrub

TOKEN = make_token()
PIXELS = bytes(range(256)) * 4


@pytest.fixture(autouse=True)
def root_level() -> None:
    """As the bridge's entries set it."""
    logging.getLogger().setLevel(logging.INFO)


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        TOKEN.encode().hex(),
        base64.b64encode(TOKEN.encode()).decode().rstrip("="),
        base64.urlsafe_b64encode(TOKEN.encode()).decode().rstrip("="),
        "/home/anna/wedding.kra",
        r"C:\\Users\\anna\\wedding.kra",
        "~/wedding.kra",
    ],
)
def test_secrets_of_every_form_are_hidden(secret: str) -> None:
    shown = scrub(f"It failed at '{secret}', and b'{secret}' came: {{'x': \"{secret}\"}}")
    assert secret not in shown and "wedding" not in shown and "anna" not in shown
    assert "[hidden]" in shown


@pytest.mark.parametrize("shown", [repr(PIXELS), repr(bytearray(PIXELS)), repr(PIXELS)[:300]])
def test_pixels_are_hidden(shown: str) -> None:
    text = scrub(f"ValueError: SessionSpec(pixels={shown}, model='default')")
    assert "\\x" not in text and text.startswith("ValueError: SessionSpec(pixels=")


@pytest.mark.parametrize(
    "line",
    [
        "The bridge listens on port 43211.",
        "Job 0123456789abcdef0123456789abcdef is cancelled: its client was not heard of.",
        "MemoryError: Unable to allocate 2.00 GiB for an array with shape (512, 1024, 1024)",
        "It's the engine that said 'no', isn't it?",
    ],
)
def test_what_helps_stays(line: str) -> None:
    assert scrub(line) == line


def test_a_traceback_names_our_source_but_not_where_the_user_lives() -> None:
    text = f'  File "{Path.home()}/venv/bridge_server/worker.py", line 7, in run'
    assert scrub(text) == '  File "bridge_server/worker.py", line 7, in run'
    wedding = Path.home() / "wed" / "ding.kra"
    try:
        wedding.read_bytes()
    except OSError:
        shown = scrub(traceback.format_exc())
    assert "FileNotFoundError" in shown and 'File "bridge_server/test_logs.py"' in shown
    assert "ding.kra" not in shown and str(Path.home()) not in shown


def test_a_record_has_an_end() -> None:
    assert len(scrub("no " * 1_000_000)) < 2 * logs.MAX_RECORD_CHARACTERS


def test_the_file_takes_what_is_logged_scrubbed(tmp_path: Path) -> None:
    with log_file(tmp_path / "log"):
        try:
            raise RuntimeError(f"token {TOKEN}")
        except RuntimeError:
            logging.getLogger("x").exception("pixels %s", PIXELS)
    text = (tmp_path / "log" / LOG_FILE_NAME).read_text(encoding="utf-8")
    assert "RuntimeError" in text and "pixels b[hidden]" in text
    assert TOKEN not in text and "\\x00" not in text


def test_old_files_go(tmp_path: Path) -> None:
    with log_file(tmp_path):
        for _ in range(10 * logs.MAX_FILE_BYTES // 4000):
            logging.getLogger("x").info("%s", "no " * 1300)
    files = list(tmp_path.iterdir())
    assert len(files) == 1 + logs.OLD_FILES_KEPT
    assert all(path.stat().st_size <= logs.MAX_FILE_BYTES for path in files)


def test_without_a_line_there_is_no_file(tmp_path: Path) -> None:
    with log_file(tmp_path):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_costs_the_log_only(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("a file is in the way")
    with log_file(tmp_path / "log"):
        logging.getLogger("x").info("still alive")


def test_a_full_disk_costs_the_log_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no device that is always full")
    (tmp_path / LOG_FILE_NAME).symlink_to("/dev/full")
    with log_file(tmp_path):
        logging.getLogger("x").info("lost")
    assert "Traceback" not in capfd.readouterr().err


def test_the_folder_can_be_named_and_is_the_users_own() -> None:
    assert log_folder({"DRAGLAYER_LOG_DIR": "/x"}) == Path("/x")
    assert Path.home() in log_folder({}).parents


def test_what_holds_pixels_does_not_show_them() -> None:
    bounds = Bounds(0, 0, 1, 1)
    spec = SessionSpec(
        model="default",
        bounds_canvas=bounds,
        pixels=b"pixels",
        pixel_format="rgba8",
        editable_mask=b"a mask",
        snapshot=b"a snapshot",
    )
    layer = LayerPixels(bounds_canvas=bounds, pixels=b"pixels", pixel_format="rgba8")
    assert "b'" not in repr(spec) + repr(layer)
