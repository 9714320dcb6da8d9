"""The tables of what is shared: aliases, nonces, configs. `tables` offers them along with all others."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from abaco.store.columns import ID, SERIAL, Json, Moment, metadata

__all__ = ["aliases", "config_identifiers", "configs", "nonces"]

aliases = Table(
    "aliases",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("tenant", String(64), nullable=False),
    Column("alias", Text, nullable=False),
    Column("actor_id", ID, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("api_server", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("tenant", "alias"),
    Index("aliases_by_actor", "actor_id"),
)

# Of an actor or of an alias. The nonce itself is a secret: found by its digest, shown to its owners unsealed.
nonces = Table(
    "nonces",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("sealed", Text, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("actor_id", ID),
    Column("alias_id", ID),
    Column("owner", String(64), nullable=False),
    Column("roles", Json, nullable=False),
    Column("api_server", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("max_uses", BigInteger, nullable=False),
    Column("current_uses", BigInteger, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Index("nonces_by_actor", "actor_id"),
    Index("nonces_by_alias", "alias_id"),
    Index("nonces_by_owner", "tenant", "owner"),
)

configs = Table(
    "configs",
    metadata,
    Column("seq", SERIAL, primary_key=True, autoincrement=True),
    Column("id", ID, nullable=False, unique=True),
    Column("tenant", String(64), nullable=False),
    Column("name", Text, nullable=False),
    # Sealed if `is_secret`.
    Column("value", Text, nullable=False),
    Column("is_secret", Boolean, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("tenant", "name"),
)

# The actors of a config, by id or alias as its user named them: resolved when an execution starts.
config_identifiers = Table(
    "config_identifiers",
    metadata,
    Column("config_id", ForeignKey("configs.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("identifier", Text, nullable=False),
    PrimaryKeyConstraint("config_id", "position"),
    Index("config_identifiers_by_identifier", "tenant", "identifier"),
)
