import os
import sys
from pathlib import Path

import platformdirs
import pytest

from bridge_client.discovery import read_discovery_file, record_port, runtime_folder

GOOD = {
    "api": "1.0",
    "url": "http://127.0.0.1:4711",
    "pid": 7,
    "instance_id": "0" * 32,
    "started": "2026-01-01T00:00:00+00:00",
    "token": "t" * 43,
}


def test_a_good_file_is_read(write_record):
    record = read_discovery_file(write_record(GOOD))
    assert record is not None
    assert (record_port(record), record.token) == (4711, "t" * 43)


@pytest.mark.parametrize(
    "change",
    [
        {"url": "http://192.0.2.1:4711"},
        {"url": "http://127.0.0.1.evil.example:4711"},
        {"url": "http://127.0.0.1:99999"},
        {"url": "http://127.0.0.1:4711/x"},
        {"url": "https://127.0.0.1:4711"},
        {"token": "short"},
        {"token": "t" * 42 + "\n"},
        {"instance_id": ""},
        {"pid": "7"},
    ],
    ids=str,
)
def test_a_file_that_says_anything_else_is_no_bridge(write_record, change):
    assert read_discovery_file(write_record({**GOOD, **change})) is None


def test_no_file_is_no_bridge(tmp_path):
    assert read_discovery_file(tmp_path) is None


@pytest.mark.parametrize("text", ["", "{", "x" * 10_000])
def test_a_broken_file_is_no_bridge(tmp_path, text):
    (tmp_path / "bridge.json").write_text(text)
    (tmp_path / "bridge.json").chmod(0o600)
    assert read_discovery_file(tmp_path) is None


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX rights")
@pytest.mark.parametrize("mode", [0o644, 0o620, 0o660])
def test_a_file_that_others_can_open_is_no_bridge(write_record, mode):
    assert read_discovery_file(write_record(GOOD, mode)) is None


def test_the_folder_can_be_named():
    assert runtime_folder({"DRAGLAYER_RUNTIME_DIR": "/somewhere"}) == Path("/somewhere")


@pytest.mark.skipif(sys.platform != "linux", reason="Linux folders")
@pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR is not set")
@pytest.mark.parametrize("has_variable", [True, False])
def test_the_folder_is_the_one_that_platformdirs_gives(monkeypatch, tmp_path, has_variable):
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if has_variable:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    expected = platformdirs.user_runtime_dir("draglayer", appauthor=False)
    assert str(runtime_folder(os.environ)) == expected
