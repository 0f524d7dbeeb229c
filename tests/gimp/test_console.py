"""One gimp-console process runs the suite in inside/suite.py."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fakes.bridge import RunningBridge
from tests.gimp.host import GimpHost

SUITE = Path(__file__).parent / "inside" / "suite.py"
FAKE = Path(__file__).parents[1] / "fakes" / "gi.py"

pytestmark = [pytest.mark.gimp, pytest.mark.slow, pytest.mark.timeout(900)]


def test_the_plugin_reads_and_writes_real_images(
    gimp_host: GimpHost, gimp_profile: Path, live_bridge: RunningBridge, tmp_path: Path
) -> None:
    suite = tmp_path / "draglayer_suite.py"
    suite.write_bytes(SUITE.read_bytes())
    (tmp_path / "fake_gi.py").write_bytes(FAKE.read_bytes())
    outcome = tmp_path / "outcome.json"
    line = gimp_host.command(
        [
            *("gimp-console", "-d", "-f", "--batch-interpreter=python-fu-eval"),
            *("-b", f"import sys; sys.path.insert(0, {str(tmp_path)!r}); import draglayer_suite"),
            "--quit",
        ],
        folders=[tmp_path],
        variables={
            "HOME": str(tmp_path),
            "GIMP3_DIRECTORY": str(gimp_profile),
            "DRAGLAYER_RUNTIME_DIR": str(live_bridge.folder),
            "DRAGLAYER_SUITE_RESULT": str(outcome),
        },
    )
    done = subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)
    assert outcome.exists(), done.stderr
    told = json.loads(outcome.read_text())
    assert told["problems"] == {}
    assert told["count"] > 20
