"""``tapipy.actors`` over the guest library of this service, for old actor programs."""

from __future__ import annotations

import os

from abaco import actors as guest
from abaco.actors import get_binary_message, reserved_environment_vars, send_bytes_result, send_python_result
from tapipy.util import AttrDict

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

    from tapipy.tapis import Tapis

__all__ = [
    "get_binary_message",
    "get_client",
    "get_context",
    "reserved_environment_vars",
    "send_bytes_result",
    "send_python_result",
    "update_state",
]


def get_context() -> AttrDict:
    """As `abaco.actors.get_context`."""
    return AttrDict(guest.get_context())


def get_client() -> Tapis:
    """A client of the API that started this container, with this execution's access token."""
    from tapipy.errors import BaseTapyException  # noqa: PLC0415 - most actors do not call the API
    from tapipy.tapis import Tapis  # noqa: PLC0415 - as above

    variables = os.environ
    api_server, token = variables.get("_abaco_api_server"), variables.get("_abaco_access_token")
    if not token:
        raise BaseTapyException("Unable to instantiate a Tapis client: no token found.")
    return Tapis(base_url=api_server, access_token=token)


def update_state(state: Any) -> None:
    """Replace this actor's state by `state`, any JSON value."""
    get_client().actors.update_state(actor_id=get_context()["actor_id"], request_body=state)
