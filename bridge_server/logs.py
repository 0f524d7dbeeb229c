"""The bridge's log file: it rotates, and it holds nothing of the artist's.

A bridge that a plug-in started has no terminal, so this file is all there is to look at when it
went wrong. People send such files to strangers: so every line goes through `scrub`.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path

import platformdirs

LOG_FILE_NAME = "bridge.log"
LOG_DIR_VARIABLE = "DRAGLAYER_LOG_DIR"
MAX_FILE_BYTES = 1024 * 1024
OLD_FILES_KEPT = 3
MAX_RECORD_CHARACTERS = 8000

_LINE_FORMAT = "%(asctime)s %(levelname)s %(process)d %(threadName)s %(name)s %(message)s"

# What must not be told, by its form: nobody has to remember to hide a value.
_SECRETS = (
    # Of a source file in a traceback, its package and its name; the rest is where the user lives.
    (re.compile(r'File "[^"\n]*?([^/\\"\n]+[/\\][^/\\"\n]+)"'), r'File "\1"'),
    # Any other path, as OSError shows it.
    (re.compile(r"""(['"])(?:~|/|[A-Za-z]:[/\\]|\\\\)[^'"\n]*\1"""), "'[hidden]'"),
    # Pixels, as Python shows bytes.
    (re.compile(r"""b(?:'(?:[^'\\\n]|\\.){16,}'?|"(?:[^"\\\n]|\\.){16,}"?)"""), "b[hidden]"),
    # Tokens and digests, also as hexadecimal or base64: no word of ours is so long.
    (re.compile(r"[A-Za-z0-9_+/-]{40,}={0,2}"), "[hidden]"),
)


def log_folder(environment: Mapping[str, str] | None = None) -> Path:
    """The folder of the log, which need not exist.

    Args:
        environment: variables to go by; the process's where None.
    """
    variables = os.environ if environment is None else environment
    named = variables.get(LOG_DIR_VARIABLE)
    return Path(named) if named else platformdirs.user_log_path("draglayer", appauthor=False)


def scrub(text: str) -> str:
    """The text without tokens, pixels and names of files, and not endless."""
    for pattern, shown in _SECRETS:
        text = pattern.sub(shown, text)
    if len(text) > MAX_RECORD_CHARACTERS:
        return text[:MAX_RECORD_CHARACTERS] + " [cut]"
    return text


class ScrubbingFormatter(logging.Formatter):
    """Formats a record, its traceback included, and scrubs the whole."""

    def format(self, record: logging.LogRecord) -> str:
        """The lines of the record."""
        return scrub(super().format(record))


@contextmanager
def log_file(folder: Path) -> Iterator[None]:
    """Everything that is logged meanwhile also goes to the file in this folder.

    A folder that cannot be made or a disk that is full costs the log and nothing else: an edit is
    worth more than the line that tells of it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            folder / LOG_FILE_NAME,
            maxBytes=MAX_FILE_BYTES,
            backupCount=OLD_FILES_KEPT,
            encoding="utf-8",
            delay=True,  # a second bridge, which gives way at once, must not touch the file
        )
    except OSError:
        yield
        return
    handler.setFormatter(ScrubbingFormatter(_LINE_FORMAT))
    logger, told_before = logging.getLogger(), logging.raiseExceptions
    logging.raiseExceptions = False  # a line that could not be written is not told of anywhere
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        with suppress(OSError):  # what is still buffered may not fit on the disk either
            handler.close()
        logging.raiseExceptions = told_before
