"""`abaco actors create|update`: describing an actor, and waiting until it is ready."""

from pathlib import Path
from typing import Annotated, Any, cast

import typer

from abaco.cli.output import Format, report
from abaco.cli.parameters import ActorArgument, OutputOption
from abaco.cli.progress import waiting
from abaco.cli.resolve import find_actor, find_link
from abaco.cli.session import connect
from abaco.client import Abaco, Actor, ActorAttributes
from abaco.client.assignments import variables
from abaco.errors import AbacoError, InvalidInput

__all__ = ["register"]

_Description = Annotated[str | None, typer.Option(help="What the actor is for.")]
_Env = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME=VALUE", help="A variable of every execution; may be repeated."),
]
_EnvFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Variables, one NAME=VALUE a line; # begins a comment line."),
]
_UnsetEnv = Annotated[
    list[str] | None,
    typer.Option(metavar="NAME", help="A variable to remove; may be repeated."),
]
_Hint = Annotated[list[str] | None, typer.Option(help="A tag of the actor; may be repeated.")]
_Token = Annotated[bool | None, typer.Option(help="Whether executions get an access token of the owner.")]
_Queue = Annotated[str | None, typer.Option(help="The queue whose workers run the actor.")]
_Gpu = Annotated[
    list[str] | None,
    typer.Option(metavar="DEVICE", help="A device that each execution has for itself; may be repeated."),
]
_MaxWorkers = Annotated[int | None, typer.Option(help="How many executions may run at once.")]
_MemLimit = Annotated[str | None, typer.Option(metavar="SIZE", help="Memory of an execution, such as 512m or 1g.")]
_MaxCpus = Annotated[int | None, typer.Option(help="CPU time of an execution in nano-CPUs; 1000000000 is one CPU.")]
_ContainerUid = Annotated[bool | None, typer.Option(help="Whether to run as the image's own user.")]
_LogEx = Annotated[int | None, typer.Option(metavar="SECONDS", help="How long logs are kept.")]
_MaxRunTime = Annotated[int | None, typer.Option(metavar="SECONDS", help="How long an execution may run.")]
_Link = Annotated[str | None, typer.Option(metavar="ACTOR", help="An actor that is sent this one's events.")]
_Webhook = Annotated[str | None, typer.Option(metavar="URL", help="An address that this actor's events are posted to.")]
_Cron = Annotated[
    str | None,
    typer.Option(metavar="SCHEDULE", help="When it runs by itself, such as 'now + 1 hour' or '30 9 * * 1-5'."),
]
_CronOn = Annotated[bool | None, typer.Option(help="Whether the schedule counts.")]
_Privileged = Annotated[bool | None, typer.Option(help="Whether its containers may do what the machine's root may.")]
_Stateful = Annotated[bool, typer.Option("--stateful", help="Keep a state and process one message at a time.")]
_Unset = Annotated[
    list[str] | None,
    typer.Option(metavar="ATTRIBUTE", help="An attribute to return to its default; may be repeated."),
]
_Wait = Annotated[bool, typer.Option("--wait", help="Wait until the actor is READY; exit 1 if it ends in ERROR.")]

_TAKEN_AWAY = {"cron_schedule": "", "cron_on": False}
"""What an update resets by these values only: left out, it stays as it is."""
_NOT_RESET = {
    "name": "an actor keeps the name that it was created with: create another",
    "state": "'abaco state set ACTOR {}' empties it",
    "stateless": "a stateful actor stays one: create another",
}


def register(app: typer.Typer) -> None:
    app.command("create", epilog="Example: abaco actors create abacosamples/wc --name counter --wait")(_create)
    app.command("update", epilog="Example: abaco actors update counter --env LANG=C --unset max-workers")(_update)


def _create(
    ctx: typer.Context,
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="The container image to run.", show_default=False)],
    name: Annotated[str | None, typer.Option(help="A name for people; ids are unique, names need not be.")] = None,
    description: _Description = None,
    stateful: _Stateful = False,
    env: _Env = None,
    env_file: _EnvFile = None,
    hint: _Hint = None,
    token: _Token = None,
    queue: _Queue = None,
    gpu: _Gpu = None,
    max_workers: _MaxWorkers = None,
    mem_limit: _MemLimit = None,
    max_cpus: _MaxCpus = None,
    use_container_uid: _ContainerUid = None,
    log_ex: _LogEx = None,
    max_run_time: _MaxRunTime = None,
    link: _Link = None,
    webhook: _Webhook = None,
    cron: _Cron = None,
    cron_on: _CronOn = None,
    privileged: _Privileged = None,
    wait: _Wait = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Register an image as a new actor and print the actor's id."""
    said = _said(
        name=name,
        description=description,
        stateless=not stateful,
        default_environment=_environment(env, env_file),
        hints=hint or None,
        token=token,
        queue=queue,
        gpus=gpu or None,
        max_workers=max_workers,
        mem_limit=mem_limit,
        max_cpus=max_cpus,
        use_container_uid=use_container_uid,
        log_ex=log_ex,
        max_run_time=max_run_time,
        webhook=webhook,
        cron_schedule=cron,
        cron_on=cron_on,
        privileged=privileged,
    )
    with connect(ctx) as ab:
        said |= _linked(ab, link)
        _report(ab, ab.actors.add(image, **said), wait=wait, output=output)


def _update(
    ctx: typer.Context,
    actor: ActorArgument,
    image: Annotated[str | None, typer.Option(help="The image to run from now on.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Fetch the image again even if its name is the same.")] = False,
    description: _Description = None,
    stateful: _Stateful = False,
    env: _Env = None,
    env_file: _EnvFile = None,
    unset_env: _UnsetEnv = None,
    hint: _Hint = None,
    token: _Token = None,
    queue: _Queue = None,
    gpu: _Gpu = None,
    max_workers: _MaxWorkers = None,
    mem_limit: _MemLimit = None,
    max_cpus: _MaxCpus = None,
    use_container_uid: _ContainerUid = None,
    log_ex: _LogEx = None,
    max_run_time: _MaxRunTime = None,
    link: _Link = None,
    webhook: _Webhook = None,
    cron: _Cron = None,
    cron_on: _CronOn = None,
    privileged: _Privileged = None,
    unset: _Unset = None,
    wait: _Wait = False,
    output: OutputOption = Format.TABLE,
) -> None:
    """Change some attributes of an actor; all others stay as they are."""
    said = _said(
        description=description,
        stateless=False if stateful else None,
        hints=hint or None,
        token=token,
        queue=queue,
        gpus=gpu or None,
        max_workers=max_workers,
        mem_limit=mem_limit,
        max_cpus=max_cpus,
        use_container_uid=use_container_uid,
        log_ex=log_ex,
        max_run_time=max_run_time,
        webhook=webhook,
        cron_schedule=cron,
        cron_on=cron_on,
        privileged=privileged,
    )
    with connect(ctx) as ab:
        current = find_actor(ab, actor)
        said |= _linked(ab, link)
        # The server resets what an update leaves out, so the whole description is sent.
        kept = _without(current.attributes(), unset or [])
        said["default_environment"] = {
            name: value
            for name, value in ({**kept.get("default_environment", {})} | _environment(env, env_file)).items()
            if name not in (unset_env or ())
        }
        changed = ab.actors.update(current.id, image or current.image, force=force, **(kept | said))
        _report(ab, changed, wait=wait, output=output)


def _said(**attributes: Any) -> ActorAttributes:
    return cast("ActorAttributes", {name: value for name, value in attributes.items() if value is not None})


def _linked(ab: Abaco, link: str | None) -> ActorAttributes:
    return {} if link is None else {"link": find_link(ab, link)}


def _without(attributes: ActorAttributes, unset: list[str]) -> ActorAttributes:
    """What an update sends for all but `unset` to stay. Raises InvalidInput for what it cannot reset."""
    names = {name.replace("-", "_") for name in unset}
    unknown = names - ActorAttributes.__annotations__.keys()
    if unknown:
        known = ", ".join(sorted(ActorAttributes.__annotations__.keys() - _NOT_RESET.keys())).replace("_", "-")
        raise InvalidInput(f"--unset: an actor has no attribute {', '.join(sorted(unknown))}; there are {known}.")
    for name in sorted(names & _NOT_RESET.keys()):
        raise InvalidInput(f"--unset {name}: {_NOT_RESET[name]}.")
    kept = {name: value for name, value in attributes.items() if name not in names}
    return cast("ActorAttributes", kept | {name: _TAKEN_AWAY[name] for name in names & _TAKEN_AWAY.keys()})


def _environment(env: list[str] | None, env_file: Path | None) -> dict[str, Any]:
    return (_file_variables(env_file) if env_file else {}) | variables(env or [])


def _file_variables(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"--env-file: {file} cannot be read: {error}.") from error
    return variables((line for line in lines if line.strip() and not line.startswith("#")), f"--env-file {file}")


def _report(ab: Abaco, actor: Actor, *, wait: bool, output: Format) -> None:
    """Print the actor (its id at once: whoever interrupts the wait needs it). Raises AbacoError if it fails."""
    brief = output in {Format.TABLE, Format.ID}
    if brief:
        typer.echo(actor.id)
    if wait:
        with waiting(f"actor {actor.id}") as tell:
            actor = ab.actors.wait(actor.id, on_change=tell)
    if not brief:
        report(output, actor.raw, lambda: None)
    if wait and actor.status == "ERROR":
        raise AbacoError(f"actor {actor.id} is in ERROR: {actor.status_message}")
