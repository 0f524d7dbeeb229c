import subprocess
import sys
from pathlib import Path

import pytest

from bridge_client.presence import EDITORS_FOLDER_NAME, Presence, count_editors

ROOT = Path(__file__).parents[2]
EDITOR = """
import sys
from pathlib import Path
from bridge_client.presence import Presence
presence = Presence(Path(sys.argv[1]))
print(presence.hold(), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def editor(tmp_path):
    """An editor's process that has shown its presence."""
    with subprocess.Popen(
        [sys.executable, "-c", EDITOR, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout.readline().strip() == b"True"
        yield process
        process.kill()


def test_a_living_editor_counts(tmp_path, editor):
    assert count_editors(tmp_path) == 1
    assert count_editors(tmp_path) == 1


def test_a_killed_editor_counts_no_more_and_leaves_no_file(tmp_path, editor):
    editor.kill()
    editor.wait()
    assert count_editors(tmp_path) == 0
    assert list((tmp_path / EDITORS_FOLDER_NAME).iterdir()) == []


def test_several_editors_count_each(tmp_path, editor):
    second = Presence(tmp_path)
    assert second.hold() and second.hold()
    assert count_editors(tmp_path) == 2
    second.release()
    assert count_editors(tmp_path) == 1


def test_an_editor_whose_file_was_taken_shows_itself_anew(tmp_path):
    presence = Presence(tmp_path)
    presence.hold()
    for path in (tmp_path / EDITORS_FOLDER_NAME).iterdir():
        path.unlink()
    assert count_editors(tmp_path) == 0
    assert presence.hold()
    assert count_editors(tmp_path) == 1
    presence.release()


def test_where_nobody_ever_was_nobody_counts(tmp_path):
    assert count_editors(tmp_path / "nowhere") == 0


def test_a_folder_that_cannot_be_made_costs_only_the_presence(tmp_path):
    (tmp_path / "run").write_text("a file is in the way")
    assert not Presence(tmp_path / "run").hold()
