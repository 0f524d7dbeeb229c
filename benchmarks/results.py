"""Figures that are written down when they are measured, so that an interrupted run goes on."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:  # a module that type checkers alone know
    from _typeshed import DataclassInstance

Row = TypeVar("Row", bound="DataclassInstance")


class ResultFile(Generic[Row]):
    """What was measured, one line of JSON for each record.

    Args:
        path: the file; it need not be there.
        kind: of the records, a dataclass of plain values.
    """

    def __init__(self, path: Path, kind: type[Row]) -> None:
        self.path = path
        lines = path.read_text().splitlines() if path.exists() else []
        self.measured = [kind(**json.loads(line)) for line in lines]

    def add(self, measurement: Row) -> None:
        """Writes one record down."""
        self.measured.append(measurement)
        with self.path.open("a") as file:
            file.write(json.dumps(asdict(measurement)) + "\n")
