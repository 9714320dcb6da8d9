"""Settings: read once, validated whole, handed down frozen."""

from abaco.settings.reading import (
    ENVIRONMENT_PREFIX,
    FILE_NAME,
    SETTING_NAMES,
    SettingsSource,
    read_settings,
    setting_meanings,
)
from abaco.settings.values import QueueSettings, Settings

__all__ = [
    "ENVIRONMENT_PREFIX",
    "FILE_NAME",
    "SETTING_NAMES",
    "QueueSettings",
    "Settings",
    "SettingsSource",
    "read_settings",
    "setting_meanings",
]
