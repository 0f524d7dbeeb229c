"""All that a bridge knows, as a value that can be compared with what it knew before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np

_OURS = ("bridge_server.", "bridge_client.", "tests.fakes.")
_HEARD = {"_touched_s", "_heard_s"}  # when a client last made a call
_PLAIN = (str, int, float, bool, type(None), Enum)


def state_of(thing: Any, _above: tuple[int, ...] = ()) -> Any:
    """The thing taken apart, private fields too, down to plain values; locks and threads left out.

    Order counts in lists only: an order of use in a store is not state. Nor is when a client was
    heard of last, which every call renews.
    """
    if isinstance(thing, _PLAIN):
        return thing
    if isinstance(thing, bytes):
        return hashlib.sha256(thing).hexdigest()
    if isinstance(thing, np.ndarray):
        return hashlib.sha256(thing.tobytes()).hexdigest()
    if id(thing) in _above:
        return "above"
    above = (*_above, id(thing))
    if isinstance(thing, Mapping):
        return {str(key): state_of(value, above) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [state_of(each, above) for each in thing]
    if isinstance(thing, (set, frozenset)):
        return sorted(map(str, thing))
    if callable(thing):
        return None  # a clock goes on by itself
    if type(thing).__module__.startswith(_OURS):
        return {name: state_of(value, above) for name, value in _parts(thing)}
    return None


def _parts(thing: Any) -> list[tuple[str, Any]]:
    if is_dataclass(thing):
        return [(each.name, getattr(thing, each.name)) for each in fields(thing)]
    return [(name, value) for name, value in vars(thing).items() if name not in _HEARD]
