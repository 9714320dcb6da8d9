"""``agavepy.actors`` over the guest library of this service, for old actor programs."""

from __future__ import annotations

import os

from abaco import actors as guest
from abaco.actors import get_binary_message, reserved_environment_vars, send_bytes_result, send_python_result
from agavepy.attributes import AttrDict

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from typing import Any

    from agavepy.agave import Agave

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
    """As `abaco.actors.get_context`; `message_dict` is attribute-accessible too."""
    context = AttrDict(guest.get_context())
    context["message_dict"] = AttrDict(context["message_dict"])
    return context


def get_client() -> Agave:
    """A client of the API that started this container, with this execution's access token."""
    from agavepy.agave import Agave, AgaveError  # noqa: PLC0415 - most actors do not call the API

    variables = os.environ
    api_server, token = variables.get("_abaco_api_server"), variables.get("_abaco_access_token")
    if not api_server or not token:
        raise AgaveError(
            "Unable to instantiate an Agave client: _abaco_api_server and _abaco_access_token are not set. "
            "get_client() works inside an actor's container.",
        )
    return Agave(api_server=api_server, token=token)


def update_state(state: Any) -> None:
    """Replace this actor's state by `state`, any JSON value, or text that holds one."""
    get_client().actors.updateState(actorId=get_context()["actor_id"], body=state)
