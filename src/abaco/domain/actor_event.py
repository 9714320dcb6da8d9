"""What an actor's link and webhook are told: its events as the wire contract writes them."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from abaco.domain.ids import actor_dbid
from abaco.domain.moment import iso
from abaco.domain.webhook import without_nonces

__all__ = ["EVENT_EXECUTOR", "ActorEventType", "actor_event", "linked", "webhook_body"]

EVENT_EXECUTOR = "Abaco Event"
"""Who sends the messages of links."""
_MAX_STATUS_MESSAGE = 16_384
"""Characters: an event must fit into an environment variable of the linked actor's container."""


class ActorEventType(StrEnum):
    ACTOR_READY = "ACTOR_READY"  #: the actor has become READY
    ACTOR_ERROR = "ACTOR_ERROR"  #: the actor has gone to ERROR
    EXECUTION_COMPLETE = "EXECUTION_COMPLETE"  #: an execution of the actor has ended, well or not


def actor_event(
    kind: ActorEventType, tenant: str, actor_id: str, webhook: str, now: datetime, details: Mapping[str, Any]
) -> dict[str, Any]:
    """The event as it is kept until its link is resolved; `details` are the keys of its kind."""
    more = dict(details)
    if "status_message" in more:
        more["status_message"] = str(more["status_message"])[:_MAX_STATUS_MESSAGE]
    return {
        "tenant_id": tenant,
        "event_type": kind.value,
        "event_time_utc": iso(now),
        "event_time_display": iso(now),
        "actor_id": actor_id,
        "actor_dbid": actor_dbid(tenant, actor_id),
        "_abaco_link": "",
        # Who reads the linked actor's messages and logs need not be who gave the nonce.
        "_abaco_webhook": without_nonces(webhook),
        **more,
    }


def linked(event: Mapping[str, Any], target_dbid: str) -> dict[str, Any]:
    """The event as the linked actor gets it."""
    return {**event, "_abaco_link": target_dbid}


def webhook_body(event: Mapping[str, Any], api_server: str) -> dict[str, Any]:
    """The event as it is posted to a webhook."""
    return {
        **event,
        "_abaco_Content_Type": "application/json",
        "_abaco_username": EVENT_EXECUTOR,
        "_abaco_api_server": api_server,
    }
