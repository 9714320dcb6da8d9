"""settings.md has every setting, with its default, and nothing else."""

import os
from typing import Any

import msgspec
from docs.pages import code_words, page, table

from abaco.settings import SETTING_NAMES, Settings

_ROWS = {code_words(name)[0]: default for name, default, _ in table(page("settings.md"))}


def test_every_setting_has_an_entry_and_no_other() -> None:
    assert sorted(_ROWS) == sorted(SETTING_NAMES)


def _documented(field: msgspec.structs.FieldInfo) -> str:
    value: Any = field.default
    if field.default_factory is dict:
        return "none"
    if value is msgspec.NODEFAULT:
        return "required"
    if value is None or value == ():
        return "none"
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_defaults_are_those_of_the_code() -> None:
    defaults = {field.name: _documented(field) for field in msgspec.structs.fields(Settings)}
    defaults["max_workers"] = "computed"
    assert defaults == _ROWS


def test_the_computed_default_is_as_described() -> None:
    row = next(meaning for name, _, meaning in table(page("settings.md")) if name == "`max_workers`")
    assert "twice the number of CPUs, at least 4" in row
    assert Settings.__struct_defaults__[SETTING_NAMES.index("max_workers") - 1] == max(4, 2 * (os.cpu_count() or 1))
