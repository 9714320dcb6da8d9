"""`abaco run`: one execution on this machine, with the same contract and no server."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from abaco.bootstrap.trial import Trial, TrialRequest, open_trial
from abaco.cli.exits import FAILED
from abaco.cli.output import note, print_bytes
from abaco.cli.project import PROJECT_FILE, Project, read_project
from abaco.cli.projects import built_image
from abaco.client import ENGINES, LocalImage, open_image
from abaco.client.assignments import variables
from abaco.domain.execution import Outcome, StopReason
from abaco.domain.message import ContentType, Payload
from abaco.errors import AbacoError, InvalidInput

__all__ = ["register"]

_PREVIEW = 60


def register(app: typer.Typer) -> None:
    app.command("run", epilog="Example: abaco run wordcount -m 'to be or not to be'")(_run)


def _run(
    source: Annotated[
        str,
        typer.Argument(metavar="SOURCE", help="A project, OCI directory, archive, docker:NAME, or an image's name."),
    ] = ".",
    message: Annotated[
        str | None, typer.Option("-m", "--message", metavar="TEXT", help="The message; by default the project's.")
    ] = None,
    json_text: Annotated[str | None, typer.Option("--json", metavar="JSON", help="The message as JSON.")] = None,
    file: Annotated[Path | None, typer.Option(metavar="FILE", help="The message as a file's bytes.")] = None,
    env: Annotated[
        list[str] | None, typer.Option("-e", "--env", metavar="NAME=VALUE", help="A variable; may be repeated.")
    ] = None,
    stateful: Annotated[bool, typer.Option("--stateful", help="Keep a state.")] = False,
    state: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON file of the state, read and written; implies --stateful.")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where results go, one right after the other.")
    ] = None,
    max_run_time: Annotated[float | None, typer.Option(metavar="SECONDS", help="Stop it after that time.")] = None,
    builder: Annotated[str | None, typer.Option(metavar="NAME", help="As of 'abaco deploy'.")] = None,
    data: Annotated[
        Path | None, typer.Option(help="Whose images to use; default ABACO_DATA, else a cache in your home.")
    ] = None,
) -> None:
    """Run one execution here, as the server would, and exit as it does."""
    project = read_project(Path(source)) if (Path(source) / PROJECT_FILE).is_file() else None
    payload, binary = _payload(message, json_text, file, project)
    said = project.actor if project else {}
    stateful = stateful or state is not None or said.get("stateless") is False
    request = TrialRequest(
        payload,
        binary,
        environment=variables(env or []),
        name=project.name if project else None,
        default_environment=said.get("default_environment", {}),
        stateful=stateful,
        state=_read_state(state),
        max_run_seconds=max_run_time or said.get("max_run_time"),
    )
    with open_trial(_place(data)) as trial, _Sink.to(results) as sink:
        name, digest = _image(trial, source, project, builder)
        outcome, after = trial.run(name, digest, request, sink)
    if state is not None:
        state.write_text(f"{json.dumps(after, indent=2)}\n", "utf-8")
    elif stateful:
        note(f"the state is now: {json.dumps(after)}")
    raise typer.Exit(_exit_code(outcome))


def _place(data: Path | None) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return data or Path(os.environ.get("ABACO_DATA") or cache / "abaco" / "run")


def _image(trial: Trial, source: str, project: Project | None, builder: str | None) -> tuple[str, str | None]:
    """The name of the image, and its digest unless the name says which one it is."""
    if project is not None:
        with built_image(trial.base, Path(source), project, builder) as image:
            return project.image_name, _taken_in(trial, image)
    if Path(source).exists() or source.partition(":")[0] in ENGINES:
        with open_image(source) as image:
            return "local", _taken_in(trial, image)
    return source, None


def _taken_in(trial: Trial, image: LocalImage) -> str:
    return trial.take_in(image.manifest, [(blob.digest, blob.open) for blob in image.blobs])


def _payload(
    text: str | None, json_text: str | None, file: Path | None, project: Project | None
) -> tuple[Payload, bytes | None]:
    """The one message given, else the project's, and its bytes if it is binary."""
    if sum(each is not None for each in (text, json_text, file)) > 1:
        raise InvalidInput("--message, --json and --file are several messages: give one.")
    if file is not None:
        content = _bytes_of(file, "--file")
        return Payload(ContentType.BINARY, None, len(content)), content
    if json_text is not None:
        return Payload(ContentType.JSON, _parsed(json_text, "--json")), None
    value: Any = text if text is not None or project is None else project.message
    if not value:
        raise InvalidInput("what is the message? Give -m TEXT, --json or --file.")
    return Payload(ContentType.TEXT if isinstance(value, str) else ContentType.JSON, value), None


def _bytes_of(file: Path, option: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise InvalidInput(f"{option} cannot be read: {error}.") from None


def _parsed(text: str | bytes, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not JSON: {error}.") from None


def _read_state(file: Path | None) -> Any:
    """An empty one, where there is none yet."""
    return _parsed(_bytes_of(file, "--state"), str(file)) if file is not None and file.exists() else {}


class _Sink:
    """Prints what the container writes, at once, and keeps its results.

    A result is told of between two lines: programs write their lines in pieces.
    """

    def __init__(self, results: BinaryIO | None) -> None:
        self._results = results
        self._is_within_line = False
        self._untold: list[str] = []

    @classmethod
    @contextmanager
    def to(cls, results: Path | None) -> "Iterator[_Sink]":
        with nullcontext() if results is None else results.open("wb") as file:
            sink = cls(file)
            yield sink
            if sink._untold:
                sink.output(b"\n")

    def output(self, data: bytes) -> None:
        print_bytes(data)
        self._is_within_line = not data.endswith(b"\n")
        self._tell()

    def result(self, data: bytes) -> None:
        if self._results is not None:
            self._results.write(data)
        else:
            more = "..." if len(data) > _PREVIEW else ""
            self._untold.append(f"result of {len(data)} bytes: {data[:_PREVIEW]!r}{more}")
            self._tell()

    def flush(self, now: float) -> None:
        """Nothing waits."""

    def _tell(self) -> None:
        if not self._is_within_line:
            while self._untold:
                note(self._untold.pop(0))


def _exit_code(outcome: Outcome) -> int:
    """Raises AbacoError if it could not be run."""
    if outcome.status == "ERROR":
        raise AbacoError(outcome.error or "it could not be run")
    if outcome.reason is not StopReason.EXITED:
        note(f"stopped: {outcome.error or outcome.reason.value}")
    code = outcome.exit_code
    return code if code is not None and 0 <= code <= 255 else FAILED
