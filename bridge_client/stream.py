"""Bytes in, events out: server-sent events (WHATWG HTML, "Server-sent events"), without any I/O."""

import re
from dataclasses import dataclass

from .json_codec import from_json, from_value
from .messages import EVENT_TYPES, JobEvent, LoggedEvent

MAX_EVENT_BYTES = 1 << 20

_LINE_END = re.compile(rb"\r\n|\n|\r")


class StreamMismatch(ValueError):
    """The bytes are no event stream of ours."""


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event as it stood on the wire; `id` None = it carried none."""

    id: str | None
    name: str
    data: str


class EventParser:
    """Takes a stream in pieces of any size and gives the events that are complete."""

    def __init__(self) -> None:
        self._rest = b""
        self._size = 0
        self._id: str | None = None
        self._name = ""
        self._data: list[str] = []

    def feed(self, piece: bytes) -> list[ServerSentEvent]:
        """The events that end within this piece.

        Raises:
            StreamMismatch: An event is longer than any of ours, or not UTF-8.
        """
        self._rest += piece
        events: list[ServerSentEvent] = []
        while (line := self._next_line()) is not None:
            if line:
                self._take_field(line)
            elif (event := self._finish()) is not None:
                events.append(event)
        if self._size + len(self._rest) > MAX_EVENT_BYTES:
            raise StreamMismatch(f"an event is longer than {MAX_EVENT_BYTES} bytes")
        return events

    def _next_line(self) -> str | None:
        end = _LINE_END.search(self._rest)
        # A CR at the very end may be the first half of CR LF: wait for the next piece.
        if end is None or (end.group() == b"\r" and end.end() == len(self._rest)):
            return None
        line, self._rest = self._rest[: end.start()], self._rest[end.end() :]
        self._size += len(line)
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError as error:
            raise StreamMismatch("an event is not UTF-8") from error

    def _take_field(self, line: str) -> None:
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif field == "id" and "\0" not in value:
            self._id = value

    def _finish(self) -> ServerSentEvent | None:
        event = ServerSentEvent(self._id, self._name or "message", "\n".join(self._data))
        is_event = bool(self._data)
        self._size, self._id, self._name, self._data = 0, None, "", []
        return event if is_event else None


def read_event(event: ServerSentEvent) -> tuple[int | None, JobEvent] | None:
    """Number and message of an event; None for a name that this version doesn't know.

    Raises:
        StreamMismatch: The data is not the message that the name promises.
    """
    kind = EVENT_TYPES.get(event.name)
    if kind is None:
        return None
    if event.id is not None and not (event.id.isascii() and event.id.isdigit()):
        raise StreamMismatch("an event's id is not a number")
    try:
        message = from_json(event.data.encode("utf-8"), kind)
    except ValueError as error:
        raise StreamMismatch(f"the event {event.name} is not of the expected form") from error
    return (None if event.id is None else int(event.id)), message


def read_logged_event(logged: LoggedEvent) -> tuple[int, JobEvent] | None:
    """The same of an event of a page.

    Raises:
        StreamMismatch: The data is not the message that the name promises.
    """
    kind = EVENT_TYPES.get(logged.event)
    if kind is None:
        return None
    try:
        return logged.seq, from_value(logged.data, kind)
    except ValueError as error:
        raise StreamMismatch(f"the event {logged.event} is not of the expected form") from error
