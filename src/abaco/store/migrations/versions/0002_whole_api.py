"""The tables of the whole API: OAuth clients, aliases, nonces, configs, events on their way out."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("tenants", sa.Column("gateway_public_key", sa.Text(), nullable=True))
    op.add_column("users", sa.Column("profile", sa.Text(), nullable=False, server_default="{}"))
    op.add_column("tokens", sa.Column("kind", sa.String(length=16), nullable=False, server_default="access"))
    op.add_column("tokens", sa.Column("client_key", sa.String(length=64), nullable=True))
    op.create_index("tokens_by_user", "tokens", ["tenant", "username"], unique=False)
    op.create_index("tokens_by_client", "tokens", ["client_key"], unique=False)
    op.create_index("tokens_by_expiry", "tokens", ["expires_at"], unique=False)
    for column in (
        sa.Column("link", sa.Text(), nullable=False, server_default=""),
        sa.Column("webhook", sa.Text(), nullable=False, server_default=""),
        sa.Column("run_as_executor", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("cron_schedule", sa.Text(), nullable=True),
        sa.Column("cron_on", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("cron_start_at", sa.BigInteger(), nullable=True),
        sa.Column("cron_next_at", sa.BigInteger(), nullable=True),
        sa.Column("tasdir", sa.Text(), nullable=True),
        sa.Column("requested_workers", sa.Integer(), nullable=False, server_default="0"),
    ):
        op.add_column("actors", column)
    op.create_index("actors_by_schedule", "actors", ["cron_next_at"], unique=False)
    op.create_index("actors_by_request", "actors", ["requested_workers"], unique=False)
    op.add_column("engines", sa.Column("address", sa.Text(), nullable=True))
    op.add_column("engines", sa.Column("renewed_at", sa.BigInteger(), nullable=True))
    op.create_table(
        "counters",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    # Of actors removed before, those that ever had an execution are known.
    op.execute(
        "INSERT INTO counters (name, value) SELECT 'actors', count(*) "
        "FROM (SELECT id FROM actors UNION SELECT actor_id FROM executions) AS ever"
    )
    op.add_column("executions", sa.Column("executor_uid", sa.BigInteger(), nullable=True))
    op.add_column("executions", sa.Column("executor_gid", sa.BigInteger(), nullable=True))
    # Both databases spell it so; entries of aliases and configs join those of actors.
    op.execute("ALTER TABLE permissions RENAME COLUMN actor_id TO object_id")
    op.create_table(
        "clients",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("username", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("secret_digest", sa.String(length=64), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=False),
        sa.Column("tier", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("key"),
        sa.UniqueConstraint("tenant", "username", "name"),
    )
    op.create_table(
        "aliases",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("alias", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("api_server", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("tenant", "alias"),
    )
    op.create_index("aliases_by_actor", "aliases", ["actor_id"], unique=False)
    op.create_table(
        "nonces",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=True),
        sa.Column("alias_id", sa.String(length=32), nullable=True),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("api_server", sa.Text(), nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("max_uses", sa.BigInteger(), nullable=False),
        sa.Column("current_uses", sa.BigInteger(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("digest"),
    )
    op.create_index("nonces_by_actor", "nonces", ["actor_id"], unique=False)
    op.create_index("nonces_by_alias", "nonces", ["alias_id"], unique=False)
    op.create_index("nonces_by_owner", "nonces", ["tenant", "owner"], unique=False)
    op.create_table(
        "configs",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("is_secret", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id"),
        sa.UniqueConstraint("tenant", "name"),
    )
    op.create_table(
        "config_identifiers",
        sa.Column("config_id", sa.String(length=32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["config_id"], ["configs.id"]),
        sa.PrimaryKeyConstraint("config_id", "position"),
    )
    op.create_index("config_identifiers_by_identifier", "config_identifiers", ["tenant", "identifier"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("tenant", sa.String(length=64), nullable=False),
        sa.Column("actor_id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("api_server", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("webhook", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("seq"),
    )
    op.create_index("outbox_by_actor", "outbox", ["actor_id", "seq"], unique=False)
