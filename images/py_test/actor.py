"""Checks from inside a container what actors rely on: the context, and a client of the API.

It prints a line for each check; the exit code is 1 if one fails. The actor must have a token (attribute ``token``).
"""

import sys
from collections.abc import Callable

from abaco.actors import Client, Context, get_client, get_context


def has_context(context: Context, _: Client) -> bool:
    names = ("execution_id", "actor_id", "actor_dbid", "username", "worker_id", "actor_repo")
    return all(context[name] for name in names)


def reads_itself(context: Context, client: Client) -> bool:
    actor = client.request("GET", f"/actors/v2/{context.actor_id}")
    return bool(actor["id"] == context.actor_id)


def is_listed(context: Context, client: Client) -> bool:
    return context.actor_id in [actor["id"] for actor in client.request("GET", "/actors/v2")]


def is_running(context: Context, client: Client) -> bool:
    execution = client.request("GET", f"/actors/v2/{context.actor_id}/executions/{context.execution_id}")
    return bool(execution["status"] == "RUNNING")


CHECKS: tuple[Callable[[Context, Client], bool], ...] = (has_context, reads_itself, is_listed, is_running)


def main() -> None:
    context, client = get_context(), get_client()
    failures = 0
    for check in CHECKS:
        try:
            outcome = "ok" if check(context, client) else "FAILED"
        except Exception as error:  # noqa: BLE001 - the other checks are of interest, too
            outcome = f"FAILED: {error!r}"
        failures += outcome != "ok"
        print(f"{check.__name__}: {outcome}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
