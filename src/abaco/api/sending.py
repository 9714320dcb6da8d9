"""What all requests have in common that post messages: variables, and the header Idempotency-Key."""

from typing import Any

from litestar import Request

from abaco.api.documents import Query
from abaco.api.params import query_pairs
from abaco.api.wire import KEY_HEADER
from abaco.domain.send_key import require_key
from abaco.errors import InvalidInput
from abaco.settings import Settings

__all__ = ["KEY_PARAMETER", "environment_of", "hidden_names", "key_of"]

_KEY = KEY_HEADER.lower().encode()
KEY_PARAMETER = Query(
    KEY_HEADER,
    "What the sender calls the message: sent again within a day, it is the same execution, not another.",
    "8e03978e-40d5-43dd-bc93-6894a57f9324",
    {"type": "string", "minLength": 1, "maxLength": 255},
    place="header",
)


def key_of(request: Request[Any, Any, Any]) -> str | None:
    """The key of a request's message; raises InvalidInput unless there is at most one."""
    given = [value for name, value in request.scope["headers"] if name == _KEY]
    if len(given) > 1:
        raise InvalidInput(f"{KEY_HEADER} is there {len(given)} times: a message has one key.")
    return require_key(given[0].decode("latin-1").strip()) if given else None


def hidden_names(settings: Settings) -> frozenset[str]:
    """What containers do not see of the query: the message itself, and (unless wanted, as upstream has it) a nonce."""
    return frozenset({"message"} if settings.nonce_in_environment else {"message", "x-nonce"})


def environment_of(request: Request[Any, Any, Any], hidden: frozenset[str]) -> dict[str, str]:
    """The query parameters as variables, but the `hidden`; of a repeated name the first value."""
    environment: dict[str, str] = {}
    for name, value in query_pairs(request):
        if name not in hidden:
            environment.setdefault(name, value)
    return environment
