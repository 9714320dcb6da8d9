"""Configs."""

from abaco.api.schemas.base import Camel

__all__ = ["Config", "ConfigDescription", "ConfigUpdate"]


class Config(Camel, kw_only=True):
    """A named value that the executions of some actors are given."""

    name: str
    value: str
    is_secret: bool
    actors: str


class ConfigUpdate(Camel, kw_only=True):
    """Everything that may change of a config; all of it is required."""

    value: str
    is_secret: bool
    actors: str


class ConfigDescription(ConfigUpdate, kw_only=True):
    """A new config."""

    name: str
