"""A server without an engine: real services on a real store. The engine's part is played with the store's claims."""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import structlog
from bench.live import until
from sqlalchemy import select

from abaco.api.app import build_app
from abaco.api.bells import Bells
from abaco.bootstrap.keys import Keys
from abaco.bootstrap.services import build_services
from abaco.domain.event import Event
from abaco.domain.execution import Claim, Outcome, StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.domain.manifest import Manifest
from abaco.domain.tenant import Tenant
from abaco.domain.user import Role, User
from abaco.ports import ClaimRequest, Closing, ImageError, ImageRecord, ImageRef, PreparedImage, ResultSent, Stop
from abaco.runtime.pushed import PushedFiles, gather
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.users import Users
from abaco.services.vault import Vault
from abaco.settings import Settings
from abaco.store.database import Database, open_database, require_url
from abaco.store.sql import SqlStore
from abaco.store.tables import metadata

from .asgi import Call, Http, open_http, result_of

__all__ = ["KEYS", "SECRET", "START", "Tokens", "World", "add_users", "digest_of", "manifest_of", "open_world"]

START = datetime(2026, 4, 29, 21, 46, 53, 7_000, UTC)
SECRET = b"the key of the executions' tokens"
KEYS = Keys(SECRET, Vault(lambda: ["a" * 43 + "="]), TapisTokens.new_key())
_USERS = (
    User("DEV", "ada", frozenset({Role.USER})),
    User("DEV", "bob", frozenset({Role.USER})),
    User("DEV", "lim", frozenset({Role.LIMITED})),
    User("DEV", "pri", frozenset({Role.PRIVILEGED})),
    User("DEV", "adm", frozenset({Role.ADMIN})),
    User("OTHER", "eve", frozenset({Role.USER})),
    User("OTHER", "ada", frozenset({Role.ADMIN})),
)
Tokens = dict[str, str]
"""By "name", those of the other tenant by "name@OTHER"."""


def digest_of(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def manifest_of(config: bytes, *layers: bytes) -> str:
    """The manifest of an image made of these blobs."""

    def described(content: bytes, kind: str) -> dict[str, Any]:
        media_type = f"application/vnd.oci.image.{kind}"
        return {"mediaType": media_type, "digest": digest_of(content), "size": len(content)}

    described_layers = [described(layer, "layer.v1.tar+gzip") for layer in layers]
    return json.dumps(
        {"schemaVersion": 2, "config": described(config, "config.v1+json"), "layers": described_layers},
    )


class SlowClock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> datetime:
        return self.time

    def advance(self, **duration: float) -> None:
        self.time += timedelta(**duration)


class RecordingNotifier:
    def __init__(self) -> None:
        self.topics: list[str] = []

    def notify(self, *topics: str) -> None:
        self.topics.extend(topics)


class UnpackedNowhere:
    """Images whose blobs are kept, and that take as many bytes unpacked as their layers say."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.blobs = directory / "blobs" / "sha256"
        self.blobs.mkdir(parents=True, exist_ok=True)

    def import_archive(self, archive: Path) -> str:
        raise NotImplementedError

    def prepare(self, ref: ImageRef, stop: Stop | None = None) -> PreparedImage:
        raise NotImplementedError

    def assemble(self, text: str, manifest: Manifest, owner: str, most: int) -> tuple[str, int]:
        size = sum(layer.size for layer in manifest.layers)
        if size > most:
            raise ImageError(f"more than {most}")
        return gather(self.directory, owner, text, manifest, self.blobs), size

    def prune(self, keep: Collection[str]) -> int:
        raise NotImplementedError


@dataclass(frozen=True)
class World:
    """The application with users of two tenants, and everything it stores."""

    http: Http
    database: Database
    store: SqlStore
    clock: SlowClock
    notifier: RecordingNotifier
    events: list[Event]
    tokens: Tokens
    bells: Bells
    pushed: PushedFiles
    images: UnpackedNowhere

    # --- requests ---

    def send(self, method: str, path: str, user: str = "ada", **request: Any) -> httpx.Response:
        """A request with the token of `user`."""
        return self.http.send(method, path, token=self.tokens[user], **request)

    def get(self, path: str, user: str = "ada", **request: Any) -> Any:
        """The result of a GET, which must succeed."""
        return result_of(self.send("GET", path, user, **request))

    def post(self, path: str, user: str = "ada", **request: Any) -> Any:
        return result_of(self.send("POST", path, user, **request))

    def put(self, path: str, user: str = "ada", **request: Any) -> Any:
        return result_of(self.send("PUT", path, user, **request))

    def refuse(
        self, method: str, path: str, user: str = "ada", *, status: int = 400, saying: str = "", **request: Any
    ) -> httpx.Response:
        """A request that must get `status` in an envelope `saying` something, and change nothing (P7)."""
        before = self.everything()
        response = self.send(method, path, user, **request)
        self.require_refused(response, status, saying)
        assert self.everything() == before
        return response

    @staticmethod
    def require_refused(response: httpx.Response, status: int, saying: str = "") -> None:
        body = response.json()
        assert response.status_code == status, body
        assert response.headers["content-type"] == "application/json"
        assert set(body) == {"message", "status", "version", "result"}
        assert (body["status"], body["result"]) == ("error", None)
        assert saying in body["message"]
        assert body["message"]

    def call(self, method: str, path: str, user: str = "ada", **body: Any) -> Call:
        """A request for `Http.send_together`."""
        return {"method": method, "path": path, "token": self.tokens[user], "body": body}

    # --- what there is ---

    def everything(self) -> dict[str, list[Any]]:
        """Every row of every table, and every word to the engine."""
        with self.database.read() as connection:
            rows = {t.name: [tuple(row) for row in connection.execute(select(t))] for t in metadata.sorted_tables}
        return {**rows, "notified": list(self.notifier.topics)}

    def count(self, table: str) -> int:
        return len(self.everything()[table])

    def actor(self, user: str = "ada", **description: Any) -> str:
        """Register an actor; the path of it."""
        registered = self.post("/actors/v2", user, json={"image": "abacosamples/test", **description})
        return f"/actors/v2/{registered['id']}"

    def message(self, actor: str, value: Any = "hi", user: str = "ada") -> str:
        """Post a message; the path of its execution."""
        posted = self.post(f"{actor}/messages", user, json={"message": value})
        return f"{actor}/executions/{posted['executionId']}"

    def image(self, name: str = "abacosamples/base:latest", source: str = "archive", layer: bytes = b"base") -> str:
        """Have an image with one layer; the text of its manifest."""
        text = manifest_of(b"{}", layer)
        for content in (b"{}", layer, text.encode()):
            (self.images.blobs / digest_of(content).partition(":")[2]).write_bytes(content)
        self.store.images.put(ImageRecord(name, digest_of(text.encode()), source, self.clock.now()))
        return text

    # --- the engine's part ---

    def claim(self, actor: str) -> Claim:
        """Lease the actor's next message to a worker, as the engine does. A request may be about to post it."""
        request = ClaimRequest(actor.rpartition("/")[2], "worker1", exclusive=False, image_digest="sha256:1")
        claims: list[Claim] = []

        def has_claimed() -> bool:
            claims.extend(self.store.claims.claim("engine1", [request], self.clock.now()))
            return bool(claims)

        until(has_claimed)  # what waits may be delayed ones only, as yet
        (claim,) = claims
        return claim

    def close(self, claim: Claim, log: str = "", lifetime_seconds: int = 3600, **outcome: Any) -> None:
        """End the attempt after three seconds."""
        started_at = self.clock.now()
        self.clock.advance(seconds=3)
        exited = Outcome(
            ExecutionStatus.COMPLETE,
            StopReason.EXITED,
            finished_at=self.clock.now(),
            started_at=started_at,
            exit_code=0,
            image_digest="sha256:1",
        )
        ended = replace(exited, **outcome)
        closing = Closing(claim.execution_id, claim.attempt, ended, log, lifetime_seconds, claim.payload.is_binary)
        assert self.store.executions.close("engine1", [closing], self.clock.now()) == [True]

    def send_results(self, claim: Claim, results: Sequence[bytes], lifetime_seconds: int = 3600) -> None:
        """What the container sends to its results socket."""
        expires_at = self.clock.now() + timedelta(seconds=lifetime_seconds)
        sent = [ResultSent(claim.execution_id, claim.attempt, data) for data in results]
        self.store.results.append(sent, expires_at)

    def execution_token(self, claim: Claim, *, owner_token: bool = False) -> str:
        """The token the container of this attempt is given."""
        return ExecutionTokens(SECRET).issue(claim, self.clock.now(), 3600, owner_token=owner_token)


@contextmanager
def open_world(url: str, tokens: Tokens, data: Path, **settings: Any) -> Iterator[World]:
    """Serve the populated database at `url`; `settings` differ from the defaults."""
    database = open_database(require_url(url))
    store, clock, notifier = SqlStore(database), SlowClock(), RecordingNotifier()
    events: list[Event] = []
    chosen = Settings(data=data, api_server="https://abaco.test", **settings)
    images = UnpackedNowhere(data / "images")
    services = build_services(store, images, clock, notifier, events.append, chosen, KEYS)
    bells = Bells()
    app = build_app(services, chosen, structlog.wrap_logger(structlog.PrintLogger()), bells)
    try:
        with open_http(app) as http:
            yield World(
                http, database, store, clock, notifier, events, tokens, bells, PushedFiles(images.directory), images
            )
    finally:
        store.close()


def add_users(url: str) -> Tokens:
    """Add the tenants and users to a migrated database."""
    store = SqlStore(open_database(require_url(url)))
    users = Users(store, SlowClock())
    store.tenants.put(Tenant("DEV"))
    store.tenants.put(Tenant("OTHER", "https://other.test"))
    tokens = {}
    for user in _USERS:
        users.add(user, "secret")
        key = user.name if user.tenant == "DEV" else f"{user.name}@{user.tenant}"
        tokens[key] = users.issue_token(user.tenant, user.name)
    store.close()
    return tokens
