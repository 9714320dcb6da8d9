"""Reading the settings: flags over environment over file over defaults."""

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from abaco.errors import InvalidInput
from abaco.settings.values import Settings

__all__ = [
    "ENVIRONMENT_PREFIX",
    "FILE_NAME",
    "SETTING_NAMES",
    "SettingsSource",
    "read_settings",
    "setting_meanings",
]

ENVIRONMENT_PREFIX = "ABACO_"
FILE_NAME = "abaco.toml"
SETTING_NAMES = Settings.__struct_fields__
_TYPES = get_type_hints(Settings, include_extras=True)


def setting_meanings() -> dict[str, str]:
    """What each setting means, by name."""
    return {name: kind.__metadata__[0].description for name, kind in _TYPES.items() if name in SETTING_NAMES}


SettingsSource = dict[str, str]
"""Where each setting's value comes from: ``default``, ``file``, ``environment`` or ``flag``."""


def read_settings(flags: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[Settings, SettingsSource]:
    """The settings and where each came from.

    Raises InvalidInput that lists every problem at once: unknown names, wrong types, values out of range.
    """
    given: dict[str, tuple[Any, str]] = {}
    problems: list[str] = []
    chosen = {name: value for name, value in flags.items() if value is not None}
    variables = {
        key.removeprefix(ENVIRONMENT_PREFIX).lower(): value
        for key, value in environment.items()
        if key.startswith(ENVIRONMENT_PREFIX) and value
    }
    data = chosen.get("data") or variables.get("data")
    if data is None:
        raise InvalidInput("Say where the server keeps its data: --data DIR, or ABACO_DATA in the environment.")
    contents = _read_file(Path(data) / FILE_NAME)
    problems += [f"{FILE_NAME}: unknown setting {name!r}" for name in contents if name not in SETTING_NAMES]
    for source, values in (("file", contents), ("environment", variables), ("flag", chosen)):
        given.update({name: (value, source) for name, value in values.items() if name in SETTING_NAMES})
    values, wrong = _convert(given)
    problems += wrong
    if not problems:
        try:
            settings = msgspec.convert(values, Settings)
        except msgspec.ValidationError as error:
            problems.append(str(error))
    if problems:
        raise InvalidInput("Settings: " + "; ".join(problems) + ".")
    sources = {name: given[name][1] if name in given else "default" for name in SETTING_NAMES}
    return settings, sources


def _convert(given: Mapping[str, tuple[Any, str]]) -> tuple[dict[str, Any], list[str]]:
    values: dict[str, Any] = {}
    problems: list[str] = []
    for name, (value, source) in given.items():
        try:
            values[name] = _convert_one(name, value)
        except (msgspec.ValidationError, ValueError) as error:
            reason = re.sub(r" - at `.*`$", "", str(error))
            problems.append(f"{name} (from {source}): {reason}")
    return values, problems


def _convert_one(name: str, value: Any) -> Any:
    if name in {"data", "seccomp_profile"} or name.startswith("tls_"):
        return Path(value).expanduser().absolute()
    if name in {
        "insecure_registries",
        "trusted_proxies",
        "blocked_networks",
        "global_mounts",
        "privileged_mounts",
    } and isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if name in {"queues", "tenant_mounts"} and isinstance(value, str):
        value = msgspec.json.decode(value)
    kind = _TYPES[name]
    choices = get_args(get_args(kind)[0]) if get_origin(get_args(kind)[0]) is Literal else ()
    if choices and value not in choices:
        raise ValueError(f"{value!r} is not one of {', '.join(choices)}")
    return msgspec.convert(value, kind, strict=False)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text())
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}") from None
