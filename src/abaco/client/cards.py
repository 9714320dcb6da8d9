"""Actors and executions as notebooks show them: HTML of its own, without scripts."""

from collections.abc import Callable, Iterable, Mapping
from html import escape
from typing import Any

from abaco.client.actors import Actor
from abaco.client.executions import Execution, ExecutionEntry
from abaco.errors import AbacoError

__all__ = ["actor_card", "careful", "execution_card"]

_COLOURS = {"READY": "#2e7d32", "COMPLETE": "#2e7d32", "ERROR": "#c62828", "RUNNING": "#1565c0"}
_GREY = "#757575"
_PHASES = {
    "waiting": "#bdbdbd",
    "preparing": "#90caf9",
    "starting": "#64b5f6",
    "running": "#2e7d32",
    "recording": "#9575cd",
}
_LOG_LINES = 10
_LOG_CHARACTERS = 2_000
_LATEST = 5


def careful(draw: Callable[[], str]) -> str:
    """What `draw` draws; what went wrong instead, where a notebook would show a traceback."""
    try:
        return draw()
    except AbacoError as error:
        return f"<div>{escape(str(error))}</div>"


def actor_card(actor: Actor, executions: Iterable[ExecutionEntry]) -> str:
    """An actor: what it is, its status, and its latest executions."""
    kind = "stateless" if actor.stateless else "stateful"
    facts = {"id": actor.id, "image": actor.image, "owner": actor.owner, "kind": kind}
    if actor.status_message:
        facts["because"] = actor.status_message
    latest = list(executions)[-_LATEST:]
    if latest:
        facts["latest"] = ", ".join(f"{each.id} {each.status}" for each in reversed(latest))
    return _card(actor.name or actor.image, actor.status, _facts(facts))


def execution_card(execution: Execution, log: str) -> str:
    """An execution: its status, where its time went, and the end of its log."""
    facts: dict[str, Any] = {"actor": execution.actor_id}
    if execution.exit_code is not None:
        facts["exit code"] = execution.exit_code
    if execution.reason:
        facts["because"] = execution.reason
    return _card(
        execution.id, execution.status, _facts(facts) + _timeline(execution.get("durations") or {}) + _log(log)
    )


def _card(title: str, status: str, body: str) -> str:
    colour = _COLOURS.get(status, _GREY)
    badge = f'<span style="background:{colour};color:white;border-radius:3px;padding:0 .4em">{escape(status)}</span>'
    return (
        '<div style="border:1px solid #bdbdbd;border-radius:4px;padding:.5em .8em;max-width:60em">'
        f"<b>{escape(title)}</b> {badge}{body}</div>"
    )


def _facts(facts: Mapping[str, Any]) -> str:
    rows = (f"<dt><b>{escape(name)}</b></dt><dd>{escape(str(value))}</dd>" for name, value in facts.items())
    style = "display:grid;grid-template-columns:max-content auto;gap:0 1em;margin:.4em 0"
    return f'<dl style="{style}">{"".join(rows)}</dl>'


def _timeline(durations: Mapping[str, Any]) -> str:
    """The phases as a bar; each is as long as it took, and says how long that was."""
    took = {name: durations[name] for name in _PHASES if isinstance(durations.get(name), int)}
    if not took:
        return ""
    parts = (
        f'<div title="{name}: {milliseconds} ms" style="flex:{milliseconds or 0.5};background:{_PHASES[name]}"></div>'
        for name, milliseconds in took.items()
    )
    words = ", ".join(f"{name} {milliseconds} ms" for name, milliseconds in took.items())
    return f'<div style="display:flex;height:.6em">{"".join(parts)}</div><small>{words}</small>'


def _log(log: str) -> str:
    lines = log[-_LOG_CHARACTERS:].splitlines()
    if not lines:
        return ""
    shown = "\n".join(lines[-_LOG_LINES:])
    cut = "…\n" if len(lines) > _LOG_LINES or len(log) > _LOG_CHARACTERS else ""
    return f'<pre style="margin:.4em 0 0">{cut}{escape(shown)}</pre>'
