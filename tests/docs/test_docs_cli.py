"""cli.md has every verb, option and argument, and nothing else; commands on all pages are spelled right."""

import re
import shlex
from collections.abc import Iterator

import pytest
import typer
from docs.pages import ROOT, blocks, code_words, markdown_files, page, sections, table
from typer.core import TyperCommand, TyperGroup

from abaco.cli import server
from abaco.cli.main import build_app

_TEXT = page("cli.md")
_GLOBAL = "Before the verb"
_ASIDE = {"--help"}
_SPELLING = re.compile(r"--?[a-z][a-z-]*")


def _walk(command: TyperCommand | TyperGroup, path: str) -> Iterator[tuple[str, TyperCommand | TyperGroup]]:
    yield path, command
    if isinstance(command, TyperGroup):
        for name, child in command.commands.items():
            assert isinstance(child, TyperCommand | TyperGroup)
            yield from _walk(child, f"{path} {name}")


def _commands() -> dict[str, TyperCommand | TyperGroup]:
    """Every verb by its full name; the server's own stand in for what forwards to them."""
    real = typer.Typer()
    server.register(real)
    user = typer.main.get_command(build_app())
    admin = typer.main.get_group(real)
    assert isinstance(user, TyperGroup)
    return dict(_walk(user, "abaco")) | {name: command for name, command in _walk(admin, "abaco") if name != "abaco"}


_COMMANDS = _commands()
_VERBS = {
    # A group is documented where it takes options itself.
    name: command
    for name, command in _COMMANDS.items()
    if name != "abaco" and (not isinstance(command, TyperGroup) or command.params)
}
_SECTIONS = {title.strip("`"): body for title, body in sections(_TEXT)}


def _options(command: TyperCommand | TyperGroup) -> set[str]:
    found = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
    return {name for name in found if name.startswith("-")} - _ASIDE


def _documented(title: str) -> set[str]:
    words = [word for cells in table(_SECTIONS[title]) for word in code_words(cells[0])]
    return {spelling for word in words if (spelling := word.split()[0]).startswith("-")}


def test_every_verb_has_an_entry_and_no_other() -> None:
    assert {title for title in _SECTIONS if title.startswith("abaco")} == set(_VERBS)


@pytest.mark.parametrize("name", _VERBS)
def test_every_option_has_an_entry_and_no_other(name: str) -> None:
    assert _documented(name) == _options(_VERBS[name])


def test_options_before_the_verb_have_an_entry() -> None:
    assert _documented(_GLOBAL) == _options(_COMMANDS["abaco"])


@pytest.mark.parametrize("name", _VERBS)
def test_the_usage_line_has_the_arguments_in_order(name: str) -> None:
    arguments = [p for p in _VERBS[name].params if p.param_type_name == "argument"]
    names = [(p.metavar or str(p.name).upper()) for p in arguments]
    expected = [given if p.required else f"[{given}]" for given, p in zip(names, arguments, strict=True)]
    usages = [line for block in blocks(_TEXT) for line in block.text.splitlines() if line.startswith(name)]
    usage = next(line for line in usages if len(line) == len(name) or line[len(name)] == " ")
    words = re.sub(r"\[--[^]]*\]|--\S+ [A-Z]+", "", usage.removeprefix(name)).replace("VERB ...", "")
    assert words.split() == expected


def _shell_lines() -> Iterator[tuple[str, str]]:
    """Each line of a shell block that begins with `abaco`, or has it in a substitution, with its page."""
    for path in markdown_files():
        for block in blocks(path.read_text("utf-8")):
            if block.info[:1] == ("shell",):
                for line in block.text.replace("\\\n", " ").splitlines():
                    for match in re.finditer(r"(?:^|[ (/])abaco (?P<rest>[a-z-].*)", line.split("  #")[0]):
                        yield path.relative_to(ROOT).as_posix(), match["rest"]


_LINES = [*_shell_lines()]


def test_commands_are_found_on_the_pages() -> None:
    assert len(_LINES) > 40


@pytest.mark.parametrize(("where", "line"), _LINES)
def test_commands_on_the_pages_are_spelled_right(where: str, line: str) -> None:
    """Verb and options exist; what the shell makes of the rest is the quickstart test's business."""
    words = shlex.split(re.split(r"\s*(?:\||;|\)|>|\|\|)(?:\s|$|\")", line)[0].replace('"$(', "").replace("$(", ""))
    name = "abaco"
    known = _options(_COMMANDS[name])
    for word in words:
        if f"{name} {word}" in _COMMANDS:
            name = f"{name} {word}"
            known |= _options(_COMMANDS[name])
    assert name in _VERBS, f"{where}: {line}"
    given = {word.split("=")[0] for word in words if _SPELLING.fullmatch(word.split("=")[0])}
    assert given <= known, f"{where}: {line}"
