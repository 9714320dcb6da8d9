"""What a full store costs: 10,000 actors and 200,000 executions beside a store that is empty but for the same user.

Asked are the services, below HTTP, whose own time is the same on both sides and would hide the difference.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from cryptography.fernet import Fernet
from postgres import Cluster, binaries
from sqlalchemy import Table, insert, text

from abaco.api.app import Services
from abaco.bootstrap.keys import Keys
from abaco.bootstrap.parts import SystemClock
from abaco.bootstrap.services import build_services
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus
from abaco.domain.message import ContentType, Payload
from abaco.domain.moment import utc_now
from abaco.domain.permission import Level
from abaco.domain.search import Collection
from abaco.domain.tenant import Tenant
from abaco.domain.user import Principal, Role
from abaco.runtime.images import OciImages
from abaco.services.mailbox import Post, Posted
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.vault import Vault
from abaco.settings import Settings
from abaco.store.database import Database, open_database, require_url
from abaco.store.sql import SqlStore
from abaco.store.tables import actors, executions, logs, permissions

__all__ = ["SIZES", "Measured", "add_actors", "fill", "measure_scale", "scale_report"]

TENANT = "dev"
SIZES = {"actors": 10_000, "executions": 200_000}
_OWNERS = 1_000
_MINE = {"actors": 10, "executions": 200}
_STATUSES = (ExecutionStatus.COMPLETE, ExecutionStatus.COMPLETE, ExecutionStatus.COMPLETE, ExecutionStatus.ERROR)
_FIRST = 1_000
_BATCH = 5_000
_EVERYTHING_EVERY = 5
_FILTERS = [("status", "COMPLETE"), ("cpu.gte", "500000"), ("start_time.gt", "2020-04-29")]


class _Silence:
    """An engine that hears nothing."""

    def notify(self, *topics: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Measured:
    """Medians in milliseconds: of a user with a few actors on both stores, and of one who may read everything."""

    name: str
    empty: float
    full: float
    everything: float


def _actor(number: int, owner: str) -> Mapping[str, Any]:
    now = utc_now()
    return {
        **dict.fromkeys(("privileged", "use_container_uid", "run_as_executor", "cron_on"), False),
        **dict.fromkeys(("link", "webhook", "status_message"), ""),
        **{name: {} for name in ("default_environment", "state")},
        "id": f"actor{number:08}",
        "tenant": TENANT,
        "owner": owner,
        "api_server": "https://abaco.test",
        "image": f"abacosamples/image{number % 97}",
        "name": f"actor number {number}",
        "description": "does something useful now and then",
        "type": "none",
        "stateless": True,
        "hints": [],
        "queue": "default",
        "revision": 1,
        "status": ActorStatus.READY,
        "created_at": now,
        "updated_at": now,
    }


def _execution(number: int, actor: Mapping[str, Any]) -> Mapping[str, Any]:
    started = utc_now() - timedelta(seconds=number)
    status = _STATUSES[number % len(_STATUSES)]
    return {
        "id": f"exec{number:09}",
        "actor_id": actor["id"],
        "tenant": TENANT,
        "api_server": actor["api_server"],
        "executor": actor["owner"],
        "status": status,
        "attempts": 1,
        "worker_id": f"worker{number % 50}",
        "received_at": started,
        "started_at": started,
        "finished_at": started + timedelta(seconds=2),
        "runtime": 2,
        "cpu": number * 7_919 % 1_000_000,
        "io": 0,
        "exit_code": 0,
        "final_state": {"Status": "exited", "OOMKilled": False, "ExitCode": 0, "Error": ""},
    }


def add_actors(database: Path, number: int) -> None:
    """Bring the SQLite database of a stopped server to `number` actors more, of many owners."""
    opened = open_database(require_url(f"sqlite:///{database}"))
    owners = [f"owner{owner}" for owner in range(_OWNERS)]
    try:
        fill(opened, owners, {"actors": number, "executions": 0}, first=_FIRST * 100 + number)
    finally:
        opened.close()


def fill(database: Database, owners: Sequence[str], sizes: Mapping[str, int], first: int, reader: str = "") -> None:
    """Add actors of `owners` in turn and executions of each, with logs; `reader` may read them all."""
    made = [_actor(first + number, owners[number % len(owners)]) for number in range(sizes["actors"])]
    ran = [_execution(first * 100 + number, made[number % len(made)]) for number in range(sizes["executions"])]
    expires_at = utc_now() + timedelta(days=1)
    said = [
        {
            "execution_id": one["id"],
            "actor_id": one["actor_id"],
            "text": f"run of {one['id']}: fine",
            "expires_at": expires_at,
        }
        for one in ran
    ]
    entries = [
        {"object_id": actor["id"], "username": user, "level": int(Level.UPDATE)}
        for actor in made
        for user in (actor["owner"], reader)
        if user
    ]
    rows: Sequence[tuple[Table, Sequence[Mapping[str, Any]]]] = (
        (actors, made),
        (permissions, entries),
        (executions, ran),
        (logs, said),
    )
    for table, all_rows in rows:
        for start in range(0, len(all_rows), _BATCH):
            with database.write() as connection:
                connection.execute(insert(table), list(all_rows[start : start + _BATCH]))


@contextmanager
def _store(url: str, *, full: bool) -> Iterator[Services]:
    database = open_database(require_url(url))
    database.migrate()
    store = SqlStore(database)
    try:
        store.tenants.put(Tenant(TENANT))
        if full:
            fill(database, [f"user{number}" for number in range(_OWNERS)], SIZES, _FIRST, "everyone")
        fill(database, ["jane"], _MINE, 0)
        if database.is_postgresql:
            with database.read() as connection:  # as its own daemon does after a while
                connection.execute(text("VACUUM ANALYZE"))
        with tempfile.TemporaryDirectory() as data:
            settings = Settings(data=Path(data), api_server="https://abaco.test")
            keys = Keys(b"k" * 32, Vault(lambda: [Fernet.generate_key().decode()]), TapisTokens.new_key())
            yield build_services(
                store,
                OciImages(settings.data / "images"),
                SystemClock(),
                _Silence(),
                lambda _event: None,
                settings,
                keys,
            )
    finally:
        store.close()


def _questions(services: Services, user: str, first: int) -> dict[str, Callable[[], object]]:
    """What a user asks, by name, who may read the actors and executions numbered from `first` on."""
    actor_id, execution_id = f"actor{first:08}", f"exec{100 * first:09}"
    who = Principal(TENANT, user, frozenset({Role.USER}))

    def find(collection: Collection, *pairs: tuple[str, str]) -> object:
        return services.search.collection(who, collection, pairs)[1].found[0]

    def post() -> object:
        (posted,) = services.mailbox.post([Post(who, actor_id, Payload(ContentType.TEXT, "hello"))])
        assert isinstance(posted, Posted)
        return posted

    return {
        "list own actors": lambda: services.actors.list(who)[0],
        "list an actor's executions": lambda: services.executions.summary(who, actor_id),
        "search executions, three filters": lambda: find(Collection.EXECUTIONS, *_FILTERS),
        "search actors, three filters": lambda: find(
            Collection.ACTORS, ("image.like", "image"), ("status", "READY"), ("create_time.gt", "2020")
        ),
        "a word that every actor has": lambda: find(Collection.ACTORS, ("search", "useful")),
        "a word that one log has": lambda: find(Collection.LOGS, ("search", execution_id)),
        "a word that every log has": lambda: find(Collection.LOGS, ("exactsearch", "fine")),
        "post a message": post,
    }


def measure_scale(empty_url: str, full_url: str, rounds: int) -> list[Measured]:
    """Fill both databases and ask each question of each `rounds` times, the sides in turn."""
    with _store(empty_url, full=False) as empty, _store(full_url, full=True) as full:
        sides = [
            _questions(empty, "jane", 0),
            _questions(full, "jane", 0),
            _questions(full, "everyone", _FIRST),
        ]
        measured = []
        for name in sides[0]:
            times: list[list[float]] = [[], [], []]
            for round_ in range(rounds + 1):
                # Who may read everything asks less often: those answers take long and are not what is compared.
                asking = sides if round_ % _EVERYTHING_EVERY == 0 else sides[:2]
                for side, taken in zip(asking, times, strict=False):
                    started = time.perf_counter()
                    side[name]()
                    if round_ or side is sides[2]:  # the first is for the caches
                        taken.append(1000 * (time.perf_counter() - started))
            measured.append(Measured(name, *map(median, times)))
        return measured


def scale_report(rounds: int) -> list[str]:
    """Measure on every database there is; the lines of the report."""
    lines = [
        f"## {SIZES['actors']:,} actors and {SIZES['executions']:,} executions of {_OWNERS:,} users in the store",
        "",
        f"Medians of {rounds} rounds, sides in turn. *Empty*: one user with {_MINE['actors']} actors and",
        f"{_MINE['executions']} executions, and nothing else. *Full*: the same user, the same question, beside all",
        "others. *Everything*: a user asks who may read all actors; that is about how much is found, and not held",
        "to any bound. Nor are words that all texts have: an index finds them everywhere before it asks whose they",
        "are.",
        "",
    ]
    with tempfile.TemporaryDirectory() as name:
        sqlite = measure_scale(f"sqlite:///{name}/empty.db", f"sqlite:///{name}/full.db", rounds)
    lines += _table("SQLite", sqlite)
    programs = binaries()
    if programs is not None:
        cluster = Cluster(programs)
        try:
            urls = [cluster.url(cluster.create_database()) for _ in range(2)]
            lines += _table("PostgreSQL", measure_scale(urls[0], urls[1], rounds))
        finally:
            cluster.stop()
    return lines


def _table(title: str, measured: Sequence[Measured]) -> list[str]:
    rows = []
    for one in measured:
        ratio = f"{one.full / one.empty:.2f}"
        rows.append(f"| {one.name} | {one.empty:.2f} ms | {one.full:.2f} ms | {ratio} | {one.everything:.1f} ms |")
    return [f"| {title} | empty | full | full / empty | everything |", "|---|---|---|---|---|", *rows, ""]


if __name__ == "__main__":
    print("\n".join(scale_report(10)))
