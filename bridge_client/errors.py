"""What can go wrong between a host and the bridge, each with a sentence for the artist."""


class ClientError(Exception):
    """A failure of the world that the artist is told about: one sentence and what to do next.

    Args:
        message: What happened, one sentence, without path, token or stack.
        hint: The next thing to do; empty where the message already says it.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InputProblem(ClientError):
    """The layer, the selection or the points do not make an edit yet."""


class ServerUnreachable(ClientError):
    """No bridge answers, or the one that did has gone."""


class LaunchFailed(ServerUnreachable):
    """The bridge could not be started from here."""


class ProtocolMismatch(ClientError):
    """What answered does not speak our protocol, or not this version of it."""


class RequestRejected(ClientError):
    """The bridge understood the request and refused it.

    Args:
        message: The bridge's sentence.
        hint: The bridge's advice.
        code: The stable code of the problem ("blob-missing").
        status: The HTTP status.
        is_retryable: Whether the same request may succeed later.
    """

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str = "internal",
        status: int = 500,
        is_retryable: bool = False,
    ) -> None:
        super().__init__(message, hint)
        self.code = code
        self.status = status
        self.is_retryable = is_retryable


class JobFailed(ClientError):
    """The bridge began the job and could not finish it.

    Args:
        message: The bridge's sentence.
        hint: The bridge's advice.
        code: The stable code of the problem ("out-of-vram").
    """

    def __init__(self, message: str, hint: str = "", *, code: str = "internal") -> None:
        super().__init__(message, hint)
        self.code = code
