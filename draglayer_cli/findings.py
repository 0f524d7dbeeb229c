"""Finding: one thing that `draglayer doctor` looked at."""

from dataclasses import dataclass
from typing import Literal

Verdict = Literal["ok", "note", "wrong"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What is so, and what to do about it.

    Args:
        verdict: "note" is worth knowing and no fault.
        text: One sentence.
        advice: What to do; empty where there is nothing.
    """

    verdict: Verdict
    text: str
    advice: str = ""
