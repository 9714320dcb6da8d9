"""The tables. Statuses and levels are guarded by the domain; what must never be wrong is guarded here, too."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from abaco.store.columns import ID, SERIAL, Json, Moment, metadata
from abaco.store.sharing_tables import aliases, config_identifiers, configs, nonces

__all__ = [
    "Json",
    "Moment",
    "actors",
    "aliases",
    "chunks",
    "clients",
    "config_identifiers",
    "configs",
    "counters",
    "engines",
    "executions",
    "images",
    "logs",
    "messages",
    "metadata",
    "nonces",
    "outbox",
    "permissions",
    "results",
    "sends",
    "staged_states",
    "tenants",
    "tokens",
    "users",
    "workers",
]


tenants = Table(
    "tenants",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("api_server", Text),
    Column("gateway_public_key", Text),
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
    Column("profile", Json, nullable=False, default=dict),
    PrimaryKeyConstraint("tenant", "name"),
)

tokens = Table(
    "tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("username", String(64), nullable=False),
    Column("expires_at", Moment),
    # "access" or "refresh".
    Column("kind", String(16), nullable=False, default="access"),
    # The OAuth client it was issued to; NULL for those that administrators issue.
    Column("client_key", String(64)),
    Index("tokens_by_user", "tenant", "username"),
    Index("tokens_by_client", "client_key"),
    Index("tokens_by_expiry", "expires_at"),
)

# OAuth clients, each a user's own.
clients = Table(
    "clients",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("username", String(64), nullable=False),
    Column("name", Text, nullable=False),
    Column("key", String(64), nullable=False, unique=True),
    Column("secret_digest", String(64), nullable=False),
    Column("description", Text, nullable=False),
    Column("callback_url", Text, nullable=False),
    Column("tier", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("tenant", "username", "name"),
)

actors = Table(
    "actors",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
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
    Column("link", Text, nullable=False),
    Column("webhook", Text, nullable=False),
    Column("token", Boolean),
    Column("privileged", Boolean, nullable=False),
    Column("use_container_uid", Boolean, nullable=False),
    Column("run_as_executor", Boolean, nullable=False),
    Column("queue", Text, nullable=False),
    Column("max_workers", BigInteger),
    Column("mem_limit", Text),
    Column("max_cpus", BigInteger),
    Column("log_ex", BigInteger),
    Column("max_run_time", BigInteger),
    Column("gpus", Json),
    Column("cron_schedule", Text),
    Column("cron_on", Boolean, nullable=False),
    Column("cron_start_at", Moment),
    Column("cron_next_at", Moment),
    Column("uid", BigInteger),
    Column("gid", BigInteger),
    Column("tasdir", Text),
    Column("revision", BigInteger, nullable=False),
    Column("status", String(16), nullable=False),
    Column("status_message", Text, nullable=False),
    # Workers it is to have whether messages wait or not; the engine's, hence no attribute of the actor.
    Column("requested_workers", Integer, nullable=False, default=0),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    # Set on DELETE: the actor is hidden, and removed once nothing of it runs any more.
    Column("deleted_at", Moment),
    Index("actors_by_tenant", "tenant", "seq"),
    Index("actors_by_status", "status"),
    Index("actors_by_schedule", "cron_next_at"),
    Index("actors_by_request", "requested_workers"),
)

# Entries of actors, aliases and configs: whose, by the object's internal id.
permissions = Table(
    "permissions",
    metadata,
    Column("object_id", ID, nullable=False),
    Column("username", String(64), nullable=False),
    Column("level", Integer, nullable=False),
    PrimaryKeyConstraint("object_id", "username"),
    Index("permissions_by_user", "username", "object_id"),
)

# Events of actors with a link or a webhook, on their way out.
outbox = Table(
    "outbox",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("tenant", String(64), nullable=False),
    Column("actor_id", ID, nullable=False),
    # The source actor's, which may be gone when the event goes out.
    Column("owner", String(64), nullable=False),
    Column("api_server", Text, nullable=False),
    Column("event", Json, nullable=False),
    # What is still to be done; "" if it is done or was never asked for.
    Column("link", Text, nullable=False),
    Column("webhook", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    # Of the webhook, that failed.
    Column("attempts", Integer, nullable=False, default=0),
    # Not before then; a lease while a POST is under way.
    Column("next_at", Moment, nullable=False),
    Index("outbox_by_actor", "actor_id", "seq"),
)

executions = Table(
    "executions",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    # No foreign key: executions are kept for accounting when their actor is gone.
    Column("actor_id", ID, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("api_server", Text, nullable=False),
    Column("executor", String(64), nullable=False),
    # Whom the container runs as when the actor says `run_as_executor`.
    Column("executor_uid", BigInteger),
    Column("executor_gid", BigInteger),
    Column("status", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=0),
    Column("worker_id", ID),
    Column("received_at", Moment, nullable=False),
    Column("claimed_at", Moment),
    Column("prepared_at", Moment),
    # While it runs, when it was claimed; then when its program was started.
    Column("started_at", Moment),
    Column("first_output_at", Moment),
    Column("finished_at", Moment),
    # When the transaction that closed it was begun.
    Column("recorded_at", Moment),
    Column("runtime", BigInteger, nullable=False, default=0),
    Column("cpu", BigInteger, nullable=False, default=0),
    Column("io", BigInteger, nullable=False, default=0),
    Column("exit_code", Integer),
    # The sender's choice; of the message, which may have to be tried again, see there.
    Column("not_before", Moment),
    Column("final_state", Json(), nullable=False, default=None),
    Column("image_digest", String(128)),
    Column("halt_requested", Boolean, nullable=False, default=False),
    CheckConstraint(
        "status IN ('SUBMITTED', 'RUNNING', 'COMPLETE', 'ERROR')",
        name="executions_status",
    ),
    Index("executions_by_actor", "actor_id", "seq"),
)

_HAS_MOMENT = text("not_before IS NOT NULL")
messages = Table(
    "messages",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("execution_id", ForeignKey("executions.id"), nullable=False, unique=True),
    Column("actor_id", ForeignKey("actors.id"), nullable=False),
    Column("content_type", String(32), nullable=False),
    Column("value", Json, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("environment", Json, nullable=False),
    Column("jwt_header", Text),
    # Seconds, which only shorten what the actor is allowed.
    Column("max_run_time", Double),
    # When it is due: its sender said so, or an attempt could not start. Then what went wrong is said, too.
    Column("not_before", Moment),
    Column("retry_reason", Text),
    # The lease: which engine's worker holds the message. The attempt number stands in the execution.
    Column("engine_id", ID),
    Column("worker_id", ID),
    # The actor's id while a message of a stateful actor is leased: unique, so the database itself refuses
    # a second one (P3). NULL otherwise, and NULLs never collide.
    Column("exclusive_actor_id", ID, unique=True),
    Index("messages_waiting", "actor_id", "seq"),
    Index("messages_by_engine", "engine_id"),
    Index("messages_by_moment", "not_before", sqlite_where=_HAS_MOMENT, postgresql_where=_HAS_MOMENT),
)

# Which execution a sender's key stands for. The digest is of tenant, sender and key.
sends = Table(
    "sends",
    metadata,
    Column("actor_id", ID, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("execution_id", ID, nullable=False),
    # Digest of the message and its variables.
    Column("content", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("actor_id", "digest"),
    Index("sends_by_age", "created_at"),
)

chunks = Table(
    "chunks",
    metadata,
    Column("execution_id", ID, nullable=False),
    Column("position", Integer, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("stored_at", Moment, nullable=False),
    PrimaryKeyConstraint("execution_id", "position"),
)

staged_states = Table(
    "staged_states",
    metadata,
    Column("execution_id", ID, primary_key=True),
    Column("attempt", Integer, nullable=False),
    Column("state", Json, nullable=False),
)

logs = Table(
    "logs",
    metadata,
    Column("execution_id", ID, primary_key=True),
    Column("actor_id", ID, nullable=False),
    Column("text", Text, nullable=False),
    # NULL while the execution runs: the lifetime counts from the last store.
    Column("expires_at", Moment),
    Index("logs_by_actor", "actor_id"),
    Index("logs_by_expiry", "expires_at"),
)

results = Table(
    "results",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("execution_id", ID, nullable=False),
    Column("actor_id", ID, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("results_by_execution", "execution_id", "seq"),
    Index("results_by_actor", "actor_id"),
    Index("results_by_expiry", "expires_at"),
    # Without it SQLite uses the highest number again once its row is gone, and who follows results misses the next.
    sqlite_autoincrement=True,
)

workers = Table(
    "workers",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("tenant", String(64), nullable=False),
    Column("actor_id", ID, nullable=False),
    Column("engine_id", ID, nullable=False),
    Column("status", String(32), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("image", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_execution_at", Moment),
    Index("workers_by_actor", "actor_id", "seq"),
    Index("workers_by_engine", "engine_id"),
)

# What is counted for ever and cannot be counted again, as rows are removed: actors ever registered.
counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
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
    Column("id", ID, primary_key=True),
    Column("host", Text, nullable=False),
    Column("address", Text),
    Column("started_at", Moment, nullable=False),
    Column("renewed_at", Moment),
    Column("expires_at", Moment, nullable=False),
)
