"""`abaco settings`: every setting, its value and where it comes from."""

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from abaco.bootstrap.parts import shown_url
from abaco.cli.output import Format, print_table, report
from abaco.cli.parameters import OutputOption
from abaco.settings import SETTING_NAMES, read_settings, setting_meanings

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    app.command("settings", epilog="Example: abaco settings --data ~/abaco")(_settings)


def _shown(name: str, value: Any) -> str:
    if value is None:
        return "-"
    return shown_url(value) if name == "database" else str(value)


def _settings(
    data: Annotated[Path | None, typer.Option(help="The server's data directory.")] = None,
    output: OutputOption = Format.TABLE,
) -> None:
    """Show every setting: value, source (default, file, environment, flag) and meaning."""
    settings, sources = read_settings({"data": data}, os.environ)
    meanings = setting_meanings()
    rows = [(name, _shown(name, getattr(settings, name)), sources[name], meanings[name]) for name in SETTING_NAMES]
    raw = [dict(zip(("name", "value", "source", "meaning"), row, strict=True)) for row in rows]
    report(output, raw, lambda: print_table(("SETTING", "VALUE", "SOURCE", "MEANING"), rows))
