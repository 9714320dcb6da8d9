"""What is durable of configs."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from abaco.domain.config import Config
from abaco.domain.permission import Level
from abaco.ports.sharing import SealedRepository

__all__ = ["ConfigPosition", "ConfigRepository", "ConfigValue"]


@dataclass(frozen=True, slots=True)
class ConfigPosition:
    """A config with its caller's effective level on it."""

    config: Config
    level: Level


@dataclass(frozen=True, slots=True)
class ConfigValue:
    """What an execution is given of a config."""

    name: str
    value: str
    is_secret: bool


class ConfigRepository(SealedRepository, Protocol):
    def add(self, config: Config) -> None:
        """Add the config and its owner's UPDATE entry; raises Conflict if the tenant has one of this name."""

    def find(self, tenant: str, name: str, username: str) -> ConfigPosition | None: ...

    def list_visible(self, tenant: str, username: str) -> list[Config]:
        """Configs on which `username` has READ by an explicit or the world's entry, in order of creation."""

    def replace(self, config: Config) -> None:
        """Replace value, secrecy and actors of the config with this id; raises NotFound if it was deleted meanwhile."""

    def remove(self, config_id: str) -> None:
        """Forget the config and its permissions."""

    def of_actors(self, actor_ids: Collection[str]) -> Mapping[str, Sequence[ConfigValue]]:
        """By actor, the configs of its tenant that name its id or one of its aliases now, in order of creation."""
