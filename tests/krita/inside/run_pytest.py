"""Entry for kritarunner: runs pytest inside Krita and ends Krita with pytest's exit code."""

import contextlib
import os
import sys
import traceback


def __main__(arguments):  # noqa: N807 - the name that kritarunner is told
    """Runs the tests of a folder and writes the report; arguments: report file, folder."""
    report_path, folder = arguments
    code = 70
    try:
        import pytest

        with open(report_path, "w", encoding="utf-8") as report:  # noqa: SIM117
            with contextlib.redirect_stdout(_Both(report, sys.stdout)):
                code = int(pytest.main(["-c", f"{folder}/pytest.ini", "--color=no", folder]))
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Krita's own way out gives 0 whatever happened.
        os._exit(code)


class _Both:
    def __init__(self, *streams):
        self._streams = streams

    def write(self, text):
        for stream in self._streams:
            stream.write(text)
        return len(text)

    def flush(self):
        for stream in self._streams:
            stream.flush()

    def isatty(self):
        return False
