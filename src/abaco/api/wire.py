"""What goes over the wire: the envelope, and each object's fields in snake_case (a surface spells them)."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import msgspec
from litestar import Response

from abaco.api.surface import Surface
from abaco.api.times import durations_fields, times_fields
from abaco.domain.actor import Actor
from abaco.domain.execution import Execution, ExecutionEntry, ExecutionSummary
from abaco.domain.moment import iso
from abaco.domain.mount import MountRules, mounts_of
from abaco.domain.schedule import slot_text
from abaco.domain.timeline import Timeline
from abaco.errors import ERROR_CODE_HEADER, STATUS_BY_CODE, AbacoError
from abaco.ports import PlacedWorker

__all__ = [
    "EXECUTION_HEADER",
    "KEY_HEADER",
    "KEY_SUPPORT_HEADER",
    "Wire",
    "actor_fields",
    "actor_links",
    "execution_fields",
    "execution_links",
    "log_links",
    "summary_fields",
    "worker_fields",
]

EXECUTION_HEADER = "X-Abaco-Execution-Id"
"""Says which execution an answer is of, also where the connection is cut and the rest must be asked for."""
_UNKNOWN = "None"
"""What clients expect where there is no value yet; the keys must be there."""


KEY_HEADER = "Idempotency-Key"
KEY_SUPPORT_HEADER = "Idempotency-Key-Supported"
"""Says, on every answer of a path that messages are posted to, that they may be sent again with the same key."""


class _Rendered(Response[bytes]):
    """An answer that is bytes already: nothing is left of what Litestar does for values, cookies and encodings, which
    takes as long as reading a message does.
    """

    def to_asgi_response(self, *_args: object, **_options: object) -> Any:
        """What Litestar is to call: an ASGI application."""
        return self._send

    async def _send(self, scope: object, receive: object, send: Any) -> None:  # noqa: ARG002 - given by name
        headers = [
            (b"content-type", (self.media_type or "application/json").encode("latin-1")),
            (b"content-length", b"%d" % len(self.content)),
            *((name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.headers.items()),
        ]
        await send({"type": "http.response.start", "status": self.status_code, "headers": headers})
        await send({"type": "http.response.body", "body": self.content, "more_body": False})


class Wire:
    """Renders envelopes. `version` is what every response shows; actors show `default_token` if they do not say."""

    def __init__(self, version: str, *, default_token: bool, mounts: MountRules) -> None:
        self._version = version
        self.default_token = "true" if default_token else "false"
        self.mounts = mounts

    def success(
        self, message: str, result: Any, *, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> Response[bytes]:
        body = {"message": message, "status": "success", "version": self._version, "result": result}
        return _Rendered(msgspec.json.encode(body), status_code=status_code, headers=headers)

    @staticmethod
    def plain(data: bytes, media_type: str, headers: Mapping[str, str]) -> Response[bytes]:
        """No envelope."""
        return _Rendered(data, status_code=200, media_type=media_type, headers=headers)

    def failure(self, error: AbacoError, headers: Mapping[str, str] | None = None) -> Response[bytes]:
        """An error envelope; of an unknown bearer token, what a gateway says, which clients refresh on."""
        body: dict[str, Any] = {"message": error.message, "status": "error", "version": self._version, "result": None}
        if error.code == "invalid_credentials":
            body["fault"] = {"code": 900901, "message": "Invalid Credentials", "description": error.message}
        return _Rendered(
            msgspec.json.encode(body),
            status_code=STATUS_BY_CODE[error.code],
            headers={ERROR_CODE_HEADER: error.code, **(headers or {})},
        )


def actor_links(surface: Surface, actor: Actor) -> dict[str, str]:
    base = f"{actor.api_server}{surface.links}/{actor.id}"
    return {
        "self": base,
        "owner": f"{actor.api_server}{surface.profiles}/{actor.owner}",
        "executions": f"{base}/executions",
    }


def actor_fields(surface: Surface, actor: Actor, wire: Wire) -> dict[str, Any]:
    """An actor without what the service keeps to itself (db id, tenant, base URL)."""
    return {
        "id": actor.id,
        "image": actor.image,
        "name": actor.name,
        "description": actor.description,
        "type": actor.type,
        "owner": actor.owner,
        "default_environment": actor.default_environment,
        "stateless": actor.stateless,
        "state": actor.state,
        "hints": list(actor.hints),
        "link": actor.link,
        "webhook": actor.webhook,
        # Upstream shows the text of its configured default; the test suite of clients expects that.
        "token": wire.default_token if actor.token is None else actor.token,
        "privileged": actor.privileged,
        "use_container_uid": actor.use_container_uid,
        "run_as_executor": actor.run_as_executor,
        "queue": actor.queue,
        "gpus": list(actor.gpus),
        "max_workers": actor.max_workers,
        "mem_limit": actor.mem_limit,
        "max_cpus": actor.max_cpus,
        "log_ex": actor.log_ex,
        "max_run_time": actor.max_run_time,
        "cron_schedule": actor.cron_schedule,
        "cron_on": actor.cron_on,
        "cron_next_ex": slot_text(actor.cron_schedule, actor.cron_next_at),
        "mounts": [asdict(one) for one in mounts_of(wire.mounts, actor)],
        "uid": None if actor.uid is None else str(actor.uid),
        "gid": None if actor.gid is None else str(actor.gid),
        "tasdir": actor.tasdir,
        "revision": actor.revision,
        "status": actor.status.value,
        "status_message": actor.status_message,
        "create_time": iso(actor.created_at),
        "last_update_time": iso(actor.updated_at),
        "_links": actor_links(surface, actor),
    }


def execution_links(surface: Surface, execution: Execution) -> dict[str, str]:
    base = f"{execution.api_server}{surface.links}/{execution.actor_id}/executions/{execution.id}"
    owner = f"{execution.api_server}{surface.profiles}/{execution.executor}"
    return {"self": base, "owner": owner, "logs": f"{base}/logs"}


def log_links(surface: Surface, api_server: str, owner: str, actor_id: str, execution_id: str) -> dict[str, str]:
    """Of the log of an execution; `owner` is the actor's."""
    execution = f"{api_server}{surface.links}/{actor_id}/executions/{execution_id}"
    return {
        "self": f"{execution}/logs",
        "owner": f"{api_server}{surface.profiles}/{owner}",
        "execution": execution,
    }


def execution_fields(surface: Surface, execution: Execution) -> dict[str, Any]:
    """An execution.

    Our additions to the contract's fields: `not_before`, `attempts`, `image_digest`, `times`, `durations`.
    """
    timeline = Timeline.of(execution)
    return {
        "id": execution.id,
        "actor_id": execution.actor_id,
        "api_server": execution.api_server,
        "executor": execution.executor,
        "status": execution.status.value,
        "message_received_time": iso(execution.received_at),
        "not_before": iso(execution.not_before),
        "worker_id": execution.worker_id,
        "start_time": iso(execution.started_at),
        "finish_time": iso(execution.finished_at),
        "runtime": execution.runtime,
        "cpu": execution.cpu,
        "io": execution.io,
        "exit_code": execution.exit_code,
        "final_state": execution.final_state,
        "attempts": execution.attempts,
        "image_digest": execution.image_digest,
        "times": times_fields(surface, timeline),
        "durations": durations_fields(surface, timeline.durations()),
        "_links": execution_links(surface, execution),
    }


def summary_fields(surface: Surface, actor: Actor, summary: ExecutionSummary) -> dict[str, Any]:
    """Its entries are text already: as objects, those of a busy actor would take much more memory."""
    links = actor_links(surface, actor)
    entries = b",".join(msgspec.json.encode(_summary_entry(surface, entry)) for entry in summary.executions)
    return {
        "actor_id": actor.id,
        "api_server": actor.api_server,
        "owner": actor.owner,
        "executions": msgspec.Raw(b"[" + entries + b"]"),
        "total_executions": len(summary.executions),
        "total_cpu": summary.total_cpu,
        "total_io": summary.total_io,
        "total_runtime": summary.total_runtime,
        "_links": {"self": links["executions"], "owner": links["owner"]},
    }


def _summary_entry(surface: Surface, execution: ExecutionEntry) -> dict[str, Any]:
    """An entry keeps its nulls in both cases, as upstream's does."""
    return {
        surface.spell("id"): execution.id,
        surface.spell("status"): execution.status,
        surface.spell("start_time"): iso(execution.started_at),
        surface.spell("finish_time"): iso(execution.finished_at),
        surface.spell("message_received_time"): iso(execution.received_at),
    }


def worker_fields(placed: PlacedWorker) -> dict[str, Any]:
    """A worker; `host` is the name of its machine, which also stands for the engine that containers are run by."""
    worker = placed.worker
    host = (placed.host or "").partition(":")[0] or _UNKNOWN
    return {
        "id": worker.id,
        "actor_id": worker.actor_id,
        "tenant": worker.tenant,
        "status": worker.status.value,
        "ch_name": f"worker_{worker.id}",
        "image": worker.image,
        "location": f"crun://{host}",
        "cid": worker.engine_id,
        "host_id": host,
        "host_ip": placed.address or _UNKNOWN,
        "create_time": iso(worker.created_at),
        "last_execution_time": iso(worker.last_execution_at) or _UNKNOWN,
        "last_health_check_time": iso(placed.checked_at) or _UNKNOWN,
    }
