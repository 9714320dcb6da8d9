"""A small Abaco behind httpx.MockTransport: what the wire contract says, as far as the client's tests need it."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from abaco.errors import ERROR_CODE_HEADER, AbacoError, Conflict, InvalidCredentials, InvalidInput, NotFound

URL = "http://abaco.test:8000"
TOKEN = "s3cret-token"
TIME = "2026-01-02T03:04:05.678Z"


class FakeClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def sleep(self, seconds: float, /) -> None:
        self.slept.append(seconds)

    def monotonic(self) -> float:
        return sum(self.slept)


@dataclass
class FakeServer:
    """Answers like a server; of `streams` each is what one follower of a log gets before its connection ends.

    `answers` are those to synchronous messages. `on_poll` is called before each look at an execution, to let its time
    pass, and `on_request` before each answer, to have it lost.
    """

    actors: dict[str, dict[str, Any]] = field(default_factory=dict)
    executions: dict[str, dict[str, Any]] = field(default_factory=dict)
    logs: dict[str, str] = field(default_factory=dict)
    results: dict[str, list[bytes]] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)
    explanation: dict[str, Any] = field(default_factory=dict)
    streams: list[bytes] = field(default_factory=list)
    answers: list[httpx.Response] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    on_request: Callable[[httpx.Request], None] = lambda _: None
    on_poll: Callable[[dict[str, Any]], None] = lambda _: None
    takes_keys: bool = True
    aliases: dict[str, str] = field(default_factory=dict)
    me: str | None = None

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.answer)

    def add_actor(self, actor_id: str, **attributes: Any) -> dict[str, Any]:
        actor = {
            "id": actor_id,
            "image": "abacosamples/wc",
            "owner": "ada",
            "status": "READY",
            "stateless": True,
            "token": "false",
            "createTime": TIME,
            "_links": {"self": f"{URL}/actors/v2/{actor_id}"},
            "newerThanThisClient": 1,
        }
        self.actors[actor_id] = actor | attributes
        return self.actors[actor_id]

    def add_execution(self, actor_id: str, execution_id: str, **attributes: Any) -> dict[str, Any]:
        execution = {"id": execution_id, "actorId": actor_id, "status": "SUBMITTED", "messageReceivedTime": TIME}
        self.executions[execution_id] = execution | attributes
        return self.executions[execution_id]

    def answer(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        if self.failures:
            raise self.failures.pop(0)
        try:
            self.on_request(request)
            response = httpx.Response(200) if request.method == "OPTIONS" else self._route(request)
        except AbacoError as error:
            response = self._refusal(error)
        if self.takes_keys and "/messages" in request.url.path:
            response.headers["Idempotency-Key-Supported"] = "true"
        return response

    def _refusal(self, error: AbacoError) -> httpx.Response:
        body = {"message": str(error), "status": "error", "version": "1", "result": None}
        status = {"not_found": 404, "invalid_credentials": 401}.get(error.code, 400)
        return httpx.Response(status, json=body, headers={ERROR_CODE_HEADER: error.code})

    def _route(self, request: httpx.Request) -> httpx.Response:
        if request.headers["Authorization"] != f"Bearer {TOKEN}":
            raise InvalidCredentials("The token is not known.")
        parts = request.url.path.removeprefix("/actors/v2").strip("/").split("/")
        match (request.method, *parts):
            case ("GET", "profiles", "v2", "me") if self.me:
                result: Any = {"username": self.me}
            case ("GET", _, "executions", execution_id, "results"):
                queue = self.results.get(execution_id, [])
                return httpx.Response(200, content=queue.pop(0) if queue else b"")
            case ("POST", _, "messages") if "_abaco_synchronous" in request.url.params:
                return self.answers.pop(0)
            case ("GET", _, "executions", _, "logs") if "follow" in request.url.params:
                return httpx.Response(
                    200, content=self.streams.pop(0), headers={"Content-Type": "text/event-stream; charset=utf-8"}
                )
            case (method, *rest):
                result = self._collection(method, request) if rest == [""] else self._actor(method, rest, request)
        return httpx.Response(200, json={"message": "ok", "status": "success", "version": "1", "result": result})

    def _collection(self, method: str, request: httpx.Request) -> Any:
        if method == "GET":
            return list(self.actors.values())
        return self.add_actor("NewActor00001", status="SUBMITTED", **_body(request))

    def _actor(self, method: str, parts: list[str], request: httpx.Request) -> Any:
        if parts[0] == "aliases":
            return self._aliases(*parts[1:])
        parts[0] = self.aliases.get(parts[0], parts[0])
        if parts[0] not in self.actors:
            raise NotFound(f"No actor {parts[0]}.")
        actor = self.actors[parts[0]]
        match (method, *parts[1:]):
            case ("GET",):
                self.on_poll(actor)
                return actor
            case ("PUT",):
                return actor | _body(request)
            case ("DELETE",):
                return self.actors.pop(actor["id"]) and None
            case (_, "state"):
                return self._state(method, actor, request)
            case ("POST", "messages", "batch"):
                return {"executionIds": [f"e{number}" for number, _ in enumerate(request.content.splitlines())]}
            case (_, "messages"):
                return self._mailbox(method, actor, request)
            case (_, "executions", *rest):
                return self._execution(method, actor, rest)
        raise InvalidInput("unexpected")

    def _aliases(self, alias: str = "") -> Any:
        if alias and alias not in self.aliases:
            raise NotFound(f"No alias {alias}.")
        return {"alias": alias, "actorId": self.aliases[alias]} if alias else list(self.aliases)

    def _state(self, method: str, actor: dict[str, Any], request: httpx.Request) -> Any:
        if method == "GET":
            return {"state": actor.get("state")}
        actor["state"] = json.loads(request.content)
        return actor

    def _mailbox(self, method: str, actor: dict[str, Any], request: httpx.Request) -> Any:
        if method == "GET":
            return {"messages": 7, "_links": {}}
        if method == "DELETE":
            return {"msg": "Actor mailbox purged."}
        execution = self.executions.get("Exec000000001") or self.add_execution(actor["id"], "Exec000000001")
        return {"executionId": execution["id"], "msg": request.content.decode("utf-8", "replace"), "_links": {}}

    def _execution(self, method: str, actor: dict[str, Any], parts: list[str]) -> Any:
        if not parts:
            return {"actorId": actor["id"], "executions": list(self.executions.values()), "totalExecutions": 1}
        execution = self.executions.get(parts[0])
        if execution is None:
            raise NotFound(f"No execution {parts[0]}.")
        if parts[1:] == ["logs"]:
            return {"logs": self.logs.get(parts[0], ""), "_links": {}}
        if parts[1:] == ["explain"]:
            return {name: execution[name] for name in ("id", "actorId", "status")} | self.explanation
        if method == "DELETE":
            if execution["status"] != "RUNNING":
                raise Conflict(f"Execution {parts[0]} is {execution['status']}.")
            return None
        self.on_poll(execution)
        return execution


def event(name: str, data: Any, identifier: str) -> bytes:
    """A server-sent event, as the server writes it."""
    return f"id: {identifier}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def _body(request: httpx.Request) -> dict[str, Any]:
    body = json.loads(request.content)
    assert isinstance(body, dict)
    return body
