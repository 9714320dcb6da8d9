"""The error tree and its stable codes; the one table from code to HTTP status.

    AbacoError
    ├── InvalidInput          invalid_input         400  the request is wrong; the message says what to change
    │   └── TooLarge          too_large             400  the same, because of a size
    ├── NotPermitted          not_permitted         400  known user, missing permission or role
    ├── NotAuthenticated      not_authenticated     401  no credentials at all
    ├── InvalidCredentials    invalid_credentials   401  credentials that are unknown, expired or revoked
    ├── NotFound              not_found             404  no such object, or none the caller may know of
    ├── MethodNotAllowed      method_not_allowed    405  the path exists, the method does not
    ├── Conflict              conflict              400  the object is in a state that forbids it, or exists already
    │   └── KeyReused         key_reused            422  the Idempotency-Key was used for another message
    ├── Throttled             throttled             429  too many failed sign-ins; the message says how long to wait
    ├── ExecutionFailed       execution_failed      500  the execution that the request waited for ended in ERROR
    ├── Unavailable           unavailable           503  try again later
    └── InternalError         internal              500  our fault; details are in the server's log only

The server raises these and the client raises the same ones again: the code travels in the header
``X-Abaco-Error-Code``. The statuses are those of the Abaco v2 wire contract, where a permission denial is 400; that of
key_reused, which it does not have, is from the IETF's draft of the header Idempotency-Key.
"""

from typing import ClassVar

__all__ = [
    "ERROR_CODE_HEADER",
    "STATUS_BY_CODE",
    "AbacoError",
    "Conflict",
    "ExecutionFailed",
    "InternalError",
    "InvalidCredentials",
    "InvalidInput",
    "KeyReused",
    "MethodNotAllowed",
    "NotAuthenticated",
    "NotFound",
    "NotPermitted",
    "Throttled",
    "TooLarge",
    "Unavailable",
    "from_response",
]

ERROR_CODE_HEADER = "X-Abaco-Error-Code"


class AbacoError(Exception):
    """Anything Abaco tells a user; ``str(error)`` is fit to be shown."""

    code: ClassVar[str] = "internal"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidInput(AbacoError):
    """The request is wrong; the message says what to change."""

    code = "invalid_input"


class TooLarge(InvalidInput):
    """The request is larger than a documented limit."""

    code = "too_large"


class NotPermitted(AbacoError):
    """The caller is known but lacks a permission or a role."""

    code = "not_permitted"


class NotAuthenticated(AbacoError):
    """The request carries no credentials."""

    code = "not_authenticated"


class InvalidCredentials(AbacoError):
    """The credentials are unknown, expired or revoked."""

    code = "invalid_credentials"


class NotFound(AbacoError):
    """There is no such object in the caller's tenant."""

    code = "not_found"


class MethodNotAllowed(AbacoError):
    """The endpoint exists, the method does not."""

    code = "method_not_allowed"


class Conflict(AbacoError):
    """The object exists already, or its status forbids the operation."""

    code = "conflict"


class KeyReused(Conflict):
    """The key of a message was used for another message."""

    code = "key_reused"


class Throttled(AbacoError):
    """Too many sign-ins failed, or too many wait; the same request may succeed later."""

    code = "throttled"


class ExecutionFailed(AbacoError):
    """The execution that a synchronous message waited for ended in ERROR; the message says why."""

    code = "execution_failed"


class Unavailable(AbacoError):
    """The service cannot answer now; the same request may succeed later."""

    code = "unavailable"


class InternalError(AbacoError):
    """The service failed; details are in its log only."""

    code = "internal"


STATUS_BY_CODE: dict[str, int] = {
    InvalidInput.code: 400,
    TooLarge.code: 400,
    NotPermitted.code: 400,
    NotAuthenticated.code: 401,
    InvalidCredentials.code: 401,
    NotFound.code: 404,
    MethodNotAllowed.code: 405,
    Conflict.code: 400,
    KeyReused.code: 422,
    Throttled.code: 429,
    ExecutionFailed.code: 500,
    Unavailable.code: 503,
    InternalError.code: 500,
}

_CLASSES: dict[str, type[AbacoError]] = {
    cls.code: cls
    for cls in (
        InvalidInput,
        TooLarge,
        NotPermitted,
        NotAuthenticated,
        InvalidCredentials,
        NotFound,
        MethodNotAllowed,
        Conflict,
        KeyReused,
        Throttled,
        ExecutionFailed,
        Unavailable,
        InternalError,
    )
}
_CLASS_BY_STATUS: dict[int, type[AbacoError]] = {
    400: InvalidInput,
    401: InvalidCredentials,
    404: NotFound,
    405: MethodNotAllowed,
    422: KeyReused,
    429: Throttled,
    503: Unavailable,
}


def from_response(code: str | None, status: int, message: str) -> AbacoError:
    """The error a response stands for: by its code, else (a proxy answered) by its HTTP status."""
    cls = _CLASSES.get(code or "") or _CLASS_BY_STATUS.get(status, InternalError)
    return cls(message)
