"""The plug-in's settings in Krita's own store."""

import re
from typing import Any, TypeVar

from ._vendor.bridge_client import InversionProfile, Seen

Choice = TypeVar("Choice", InversionProfile, Seen)

_GROUP = "draglayer"
_STEP_BUDGET = "stepBudget"
_PROFILE = "profile"
_SEEN = "modelSees"
LARGEST_STEP_BUDGET = 1000


class Settings:
    """Settings that outlive Krita; one that was spoiled by hand counts as not set.

    Args:
        application: `Krita.instance()`.
    """

    def __init__(self, application: Any) -> None:
        self._application = application

    @property
    def step_budget(self) -> int | None:
        """Most steps of a drag; None leaves it to the engine."""
        text = self._application.readSetting(_GROUP, _STEP_BUDGET, "")
        if re.fullmatch("[0-9]{1,4}", text) is None:
            return None
        return int(text) if 1 <= int(text) <= LARGEST_STEP_BUDGET else None

    @step_budget.setter
    def step_budget(self, steps: int | None) -> None:
        self._application.writeSetting(_GROUP, _STEP_BUDGET, "" if steps is None else str(steps))

    @property
    def profile(self) -> InversionProfile:
        """How long finding the picture in the model may take."""
        return self._chosen(_PROFILE, InversionProfile.FAST)

    @profile.setter
    def profile(self, profile: InversionProfile) -> None:
        self._application.writeSetting(_GROUP, _PROFILE, profile.value)

    @property
    def seen(self) -> Seen:
        """What the model sees of the layer."""
        return self._chosen(_SEEN, Seen.SELECTION)

    @seen.setter
    def seen(self, seen: Seen) -> None:
        self._application.writeSetting(_GROUP, _SEEN, seen.value)

    def _chosen(self, name: str, default: Choice) -> Choice:
        kept = self._application.readSetting(_GROUP, name, "")
        return next((choice for choice in type(default) if choice.value == kept), default)
