"""The errors of tapipy that actors catch."""

from __future__ import annotations

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

__all__ = [
    "BadRequestError",
    "BaseTapyException",
    "ForbiddenError",
    "InternalServerError",
    "NotFoundError",
    "UnauthorizedError",
    "error_for",
]


class BaseTapyException(Exception):
    """`message` says what went wrong; the API's own words if it refused a request."""

    def __init__(
        self, msg: str | None = None, version: str | None = None, request: Any = None, response: Any = None
    ) -> None:
        super().__init__(msg)
        self.message = msg
        self.version = version
        self.request = request
        self.response = response

    def __str__(self) -> str:
        return f"message: {self.message}"


class BadRequestError(BaseTapyException):
    pass


class UnauthorizedError(BaseTapyException):
    pass


class ForbiddenError(BaseTapyException):
    pass


class NotFoundError(BaseTapyException):
    pass


class InternalServerError(BaseTapyException):
    pass


_BY_STATUS = {400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError, 404: NotFoundError}


def error_for(status: int, message: str) -> BaseTapyException:
    return _BY_STATUS.get(status, InternalServerError if status >= 500 else BaseTapyException)(message)
