"""The tables. Statuses and levels are guarded by the domain; what must never be wrong is guarded here, too."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
)

__all__ = [
    "Json",
    "Moment",
    "actors",
    "chunks",
    "engines",
    "executions",
    "images",
    "logs",
    "messages",
    "metadata",
    "permissions",
    "results",
    "staged_states",
    "tenants",
    "tokens",
    "users",
    "workers",
]


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime, kept as milliseconds since 1970 so that both databases order and compare it alike."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else round(value.timestamp() * 1000)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else datetime.fromtimestamp(value / 1000, UTC)


class Json(TypeDecorator[Any]):
    """Any JSON value as text; JSON null is the text ``null``, so that a state of null differs from no state."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002
        return msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        return None if value is None else msgspec.json.decode(value)


metadata = MetaData()
_ID = String(32)
_SERIAL = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself only for a column whose type is spelled INTEGER."""

tenants = Table(
    "tenants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("api_server", Text),
)

users = Table(
    "users",
    metadata,
    Column("tenant", ForeignKey("tenants.id"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("password_hash", Text, nullable=False),
    Column("roles", Json, nullable=False),
    Column("uid", BigInteger),
    Column("gid", BigInteger),
    PrimaryKeyConstraint("tenant", "name"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("username", String(64), nullable=False),
    Column("expires_at", Moment),
)

actors = Table(
    "actors",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("tenant", String(64), nullable=False),
    Column("owner", String(64), nullable=False),
    Column("api_server", Text, nullable=False),
    Column("image", Text, nullable=False),
    Column("name", Text),
    Column("description", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("default_environment", Json, nullable=False),
    Column("stateless", Boolean, nullable=False),
    Column("state", Json, nullable=False),
    Column("hints", Json, nullable=False),
    Column("token", Boolean),
    Column("privileged", Boolean, nullable=False),
    Column("use_container_uid", Boolean, nullable=False),
    Column("queue", Text, nullable=False),
    Column("max_workers", BigInteger),
    Column("mem_limit", Text),
    Column("max_cpus", BigInteger),
    Column("log_ex", BigInteger),
    Column("uid", BigInteger),
    Column("gid", BigInteger),
    Column("revision", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_message", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # Set on DELETE: the actor is hidden, and removed once nothing of it runs any more.
    Column("deleted_at", Moment),
    Index("actors_by_tenant", "tenant", "seq"),
    Index("actors_by_status", "status"),
)

permissions = Table(
    "permissions",
    metadata,
    Column("actor_id", _ID, nullable=False),
    Column("username", String(64), nullable=False),
    Column("level", Integer, nullable=False),
    PrimaryKeyConstraint("actor_id", "username"),
    Index("permissions_by_user", "username", "actor_id"),
)

executions = Table(
    "executions",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    # No foreign key: executions are kept for accounting when their actor is gone.
    Column("actor_id", _ID, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("api_server", Text, nullable=False),
    Column("executor", String(64), nullable=False),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker_id", _ID),
    Column("received_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("finished_at", Moment),
    Column("runtime", BigInteger, nullable=False, default=0),
    Column("cpu", BigInteger, nullable=False, default=0),
    Column("io", BigInteger, nullable=False, default=0),
    Column("exit_code", Integer),
    Column("final_state", Json(), nullable=False, default=None),
    Column("image_digest", String(128)),
    Column("halt_requested", Boolean, nullable=False, default=False),
    CheckConstraint(
        "status IN ('SUBMITTED', 'RUNNING', 'COMPLETE', 'ERROR')",
        name="executions_status",
    ),
    Index("executions_by_actor", "actor_id", "seq"),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("execution_id", ForeignKey("executions.id"), nullable=False, unique=True),
    Column("actor_id", ForeignKey("actors.id"), nullable=False),
    Column("content_type", String(32), nullable=False),
    Column("value", Json, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("environment", Json, nullable=False),
    Column("jwt_header", Text),
    Column("not_before", Moment),
    # The lease: which engine's worker holds the message. The attempt number stands in the execution.
    Column("engine_id", _ID),
    Column("worker_id", _ID),
    # The actor's id while a message of a stateful actor is leased: unique, so the database itself refuses
    # a second one (P3). NULL otherwise, and NULLs never collide.
    Column("exclusive_actor_id", _ID, unique=True),
    Index("messages_waiting", "actor_id", "seq"),
    Index("messages_by_engine", "engine_id"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("execution_id", _ID, nullable=False),
    Column("position", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("stored_at", Moment, nullable=False),
    PrimaryKeyConstraint("execution_id", "position"),
)

staged_states = Table(
    "staged_states",
    metadata,
    Column("execution_id", _ID, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("state", Json, nullable=False),
)

logs = Table(
    "logs",
    metadata,
    Column("execution_id", _ID, primary_key=True),
    Column("actor_id", _ID, nullable=False),
    Column("text", Text, nullable=False),
    # NULL while the execution runs: the lifetime counts from the last store.
    Column("expires_at", Moment),
    Index("logs_by_actor", "actor_id"),
    Index("logs_by_expiry", "expires_at"),
)

results = Table(
    "results",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("execution_id", _ID, nullable=False),
    Column("actor_id", _ID, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("results_by_execution", "execution_id", "seq"),
    Index("results_by_actor", "actor_id"),
    Index("results_by_expiry", "expires_at"),
)

workers = Table(
    "workers",
    metadata,
    Column("seq", _SERIAL, primary_key=True, autoincrement=True),
    Column("id", _ID, nullable=False, unique=True),
    Column("tenant", String(64), nullable=False),
    Column("actor_id", _ID, nullable=False),
    Column("engine_id", _ID, nullable=False),
    Column("status", String(32), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("image", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_execution_at", Moment),
    Index("workers_by_actor", "actor_id", "seq"),
    Index("workers_by_engine", "engine_id"),
)

images = Table(
    "images",
    metadata,
    Column("name", Text, primary_key=True),
    Column("digest", String(128), nullable=False),
    Column("source", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
)

engines = Table(
    "engines",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("host", Text, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)
