"""`AbacoExecutor`: Python functions that are called in containers, as `concurrent.futures` has it."""

import atexit
import itertools
import math
import os
import time
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack, suppress
from typing import Any, Self

from abaco.client.abaco import Abaco
from abaco.client.actors import Actor, ActorAttributes
from abaco.client.executor.courier import Courier
from abaco.client.executor.frames import Packed, packed
from abaco.client.executor.images import ImageCheck
from abaco.client.executor.mapping import Mapped
from abaco.client.executor.pace import Pace
from abaco.client.executor.tasks import AbacoFuture, Outcome, Task, many, one
from abaco.client.ownership import own
from abaco.errors import AbacoError, Conflict, InvalidInput, NotFound

__all__ = ["DEFAULT_IMAGE", "AbacoExecutor"]

DEFAULT_IMAGE = "abacosamples/py3_func"
_AHEAD = 2
"""Messages at the server for each worker, at least: one that runs, and one that it finds when it is done."""
_CHUNKS_FOR_EACH = 4
_LARGEST_CHUNK = 1_000


class AbacoExecutor(Executor):
    """Calls functions in the containers of a warm actor; an `Executor` of `concurrent.futures` in all it does.

        with AbacoExecutor(ab) as executor:
            print(list(executor.map(math.sqrt, range(100))))

    `ab` is the client to use (None: one of its own, which finds the server as `Abaco()` does). `image` is what
    functions run in: the same minor version of Python as here, and whatever they import. `num_workers` is for how many
    workers to keep work at the server; how many there are is the server's to decide. `attributes` are the actor's, as
    of `ab.actors.add`; it has to be ready within `timeout` seconds.

    Without `name` the actor is the executor's own: `2 * num_workers` messages are sent ahead, and of short calls as
    many as take half a second; futures that were not sent can be cancelled, and `shutdown` deletes the actor. With a
    `name` it stays, and is found again by it: `submit` and `map` return when what they send is on the server's disk,
    whatever becomes of this process: `attach`.
    `actor_id` is an actor to use, which also stays; who may change it gets the functions, and can have code run here
    by what it answers.

    `progress` shows a bar for maps that take long; None does so on a terminal and in a notebook.

    Before a function is sent, the image is asked whether it has what that needs; `check=False` leaves it out.

    Raises Conflict if the actor goes to ERROR, or if the one of that name has another image; TimeoutError.
    """

    def __init__(
        self,
        ab: Abaco | None = None,
        *,
        image: str | None = None,
        name: str | None = None,
        actor_id: str | None = None,
        num_workers: int = 4,
        timeout: float | None = 60.0,
        progress: bool | None = None,
        check: bool = True,
        attributes: ActorAttributes | None = None,
    ) -> None:
        if num_workers < 1:
            raise InvalidInput("num_workers must be at least 1.")
        self.num_workers = num_workers
        self._progress = progress
        self._ab = ab or Abaco()
        self._is_own = ab is None
        self.futures: list[AbacoFuture] = []
        self._is_attached = False
        asked = None if actor_id is None else self._ab.actors.get(actor_id)
        with ExitStack() as undo:
            if self._is_own:
                undo.callback(self._ab.close)
            actor = asked or _found(self._ab, name, image)
            if actor is None:
                actor = _added(self._ab, name, image, attributes or {}, timeout)
            else:
                _await_ready(self._ab, actor, timeout)
            undo.pop_all()
        self.actor_id, self.image = actor.id, actor.image
        self._check = ImageCheck(self._ab, actor.id, actor.image) if check else None
        pace = Pace(_AHEAD * num_workers) if name is None else None
        self._courier = Courier(self._ab, actor.id, pace, temporary=name is None and asked is None)
        self._is_shut_down = False
        # Whoever forgets the executor, or ends the program, still gets what was submitted.
        weakref.finalize(self, self._courier.close).atexit = False
        _COURIERS.add(self._courier)

    @classmethod
    def attach(
        cls,
        name: str,
        ab: Abaco | None = None,
        *,
        num_workers: int = 4,
        timeout: float | None = 60.0,
        progress: bool | None = None,
    ) -> Self:
        """The executor of that name with what was sent by it before: in `futures`, and by `results`.

        It has no part in what other processes send from now on. Answers are there until they expire at the server,
        also those that were read by the process that ended. Raises NotFound if there is no such executor.
        """
        with ExitStack() as stack:
            if _found(ab or stack.enter_context(Abaco()), name, None) is None:
                raise NotFound(f"there is no executor with the name {name!r}: was its actor deleted?")
        executor = cls(ab, name=name, num_workers=num_workers, timeout=timeout, progress=progress)
        executor.futures = executor._courier.recover()
        executor._is_attached = True
        return executor

    def results(self, timeout: float | None = None, *, return_exceptions: bool = False) -> Iterator[Any]:
        """What the calls in `futures` returned, in the order in which they were sent, those of maps one by one.

        Where a call raised something, that is raised, and nothing follows; with `return_exceptions` it is a result.
        Raises TimeoutError where a result is not there after `timeout` seconds; InvalidInput if the executor is not
        from `attach`: what this one sends itself is in the futures and iterators that `submit` and `map` return.
        """
        if not self._is_attached:
            raise InvalidInput("results() is of AbacoExecutor.attach(name): submit and map return this one's own.")
        return self._results(timeout, return_exceptions=return_exceptions)

    def _results(self, timeout: float | None, *, return_exceptions: bool) -> Iterator[Any]:
        deadline = None if timeout is None else time.monotonic() + timeout
        for future in self.futures:
            error = future.exception(None if deadline is None else deadline - time.monotonic())
            outcomes = future.result() if future.is_chunk else [Outcome(None if error else future.result(), error)]
            for outcome in outcomes:
                yield outcome.error if outcome.error is not None and return_exceptions else outcome.get()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(actor_id={self.actor_id!r}, image={self.image!r})"

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> AbacoFuture:
        """Have ``fn(*args, **kwargs)`` called. An exception it raises comes back with `RemoteTraceback` as its cause.

        Arguments of more than a megabyte are sent before this returns, in a file: what becomes of them afterwards does
        not matter, and such a call cannot be cancelled.

        Raises what pickling the call does, TooLarge past a limit of the server, InvalidInput if the image has another
        Python or lacks a module that the function needs, RuntimeError after `shutdown`, BrokenExecutor if the actor is
        gone.
        """
        self._require_ready(fn)
        task = one(fn, args, kwargs, self._spill)
        self._courier.put(task)
        return task.future

    def map(
        self,
        fn: Callable[..., Any],
        *iterables: Iterable[Any],
        timeout: float | None = None,
        chunksize: int | None = None,
        buffersize: int | None = None,
    ) -> Iterator[Any]:
        """``map(fn, *iterables)`` with the calls made in containers; results come in order, as they are asked for.

        `chunksize` calls share a message (None: as many as keep all workers busy); `buffersize` chunks at most are
        under way or wait to be asked for, and arguments are read only then (None: all at once). The iterator raises
        what a call raised, and TimeoutError where a result is not there `timeout` seconds after `map` was called.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        self._require_ready(fn)
        if (chunksize is not None and chunksize < 1) or (buffersize is not None and buffersize < 1):
            raise ValueError("chunksize and buffersize must be at least 1.")
        function, calls = packed(fn, self._spill), zip(*iterables, strict=False)
        if buffersize is not None:
            sent = self._sent(function, _chunked(calls, chunksize or 1))
            return Mapped(sent, deadline, buffersize).results(None, self._progress)
        all_calls = list(calls)
        chunks = _chunked(all_calls, chunksize or self._chunk(len(all_calls)))
        futures = self._sent_at_once(function, chunks)
        return Mapped(iter(futures), deadline, None).results(len(all_calls), self._progress)

    def blocking_call(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> list[Any]:
        """Call a function and wait for it; the list of its result, as old executors have it."""
        return [self.submit(fn, *args, **kwargs).result()]

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more calls; `wait` until all are done, and the actor deleted unless it has a name.

        With `cancel_futures` those that were not sent are cancelled. Raises RuntimeError where a callback of one of the
        futures would wait for the others.
        """
        self._is_shut_down = True
        self._courier.close(cancel=cancel_futures)
        if wait:
            self._courier.wait()
            if self._is_own:
                self._ab.close()

    def _require_ready(self, fn: Callable[..., Any]) -> None:
        if self._is_shut_down:
            raise RuntimeError("cannot schedule new futures after shutdown")
        if self._check is not None:
            with suppress(NotFound):  # the actor is gone, which the courier says in its own way
                self._check.require(fn)

    def _chunk(self, total: int) -> int:
        return max(1, min(_LARGEST_CHUNK, math.ceil(total / (_CHUNKS_FOR_EACH * self.num_workers))))

    def _spill(self, pieces: Sequence[memoryview]) -> str:
        """Put what is too large for a message into a file of the actor; its digest."""
        if self._check is not None:
            self._check.require_files()
        return self._ab.files.upload(self.actor_id, pieces)

    def _sent_at_once(self, function: Packed, chunks: Iterable[Sequence[Any]]) -> list[AbacoFuture]:
        futures: list[AbacoFuture] = []
        tasks: list[Task] = []
        for chunk in chunks:
            tasks.append(many(function, chunk, self._spill))
            futures.append(tasks[-1].future)
            if tasks[-1].has_files:  # it need not wait until the files of the others are there
                self._courier.put(*tasks)
                tasks.clear()
        self._courier.put(*tasks)
        return futures

    def _sent(self, function: Packed, chunks: Iterable[Sequence[Any]]) -> Iterator[AbacoFuture]:
        for chunk in chunks:
            task = many(function, chunk, self._spill)
            self._courier.put(task)
            yield task.future


def _found(ab: Abaco, name: str | None, image: str | None) -> Actor | None:
    """The caller's oldest actor of that name. Raises Conflict if it has another image than asked for.

    Never somebody else's who shares it: functions and data would be sent to them, and their answers unpickled here.
    """
    if name is None:
        return None
    found = next(iter(own(ab, (each for each in ab.actors.list() if each.name == name and "warm" in each.hints))), None)
    if found is not None and image not in {None, found.image}:
        raise Conflict(f"the executor {name!r} has the image {found.image}: delete its actor, or take another name.")
    return found


def _added(ab: Abaco, name: str | None, image: str | None, attributes: ActorAttributes, timeout: float | None) -> Actor:
    """A new actor, ready. Raises as `_await_ready`: then it is gone again, unless others may have found it and wait."""
    given: ActorAttributes = {"description": "Calls the functions of an AbacoExecutor."}
    given.update(attributes)
    given["hints"] = sorted({"warm", *attributes.get("hints", ())})
    if name is not None:
        given["name"] = name
    added = ab.actors.add(image or DEFAULT_IMAGE, **given)
    with ExitStack() as undo:
        undo.callback(_forget, ab, added)
        # Another program may have done the same at the same time: the oldest of that name counts.
        actor = _found(ab, name, image) or added
        try:
            _await_ready(ab, actor, timeout)
        except (TimeoutError, KeyboardInterrupt):
            if name is not None:
                undo.pop_all()
            raise
        if actor.id == added.id:
            undo.pop_all()
    return actor


def _forget(ab: Abaco, actor: Actor) -> None:
    with suppress(AbacoError):
        ab.actors.delete(actor.id)


def _await_ready(ab: Abaco, actor: Actor, timeout: float | None) -> None:
    if actor.status == "READY":
        return
    registered = ab.actors.wait(actor.id, timeout)
    if registered.status == "ERROR":
        raise Conflict(f"the actor of {actor.image} is in ERROR: {registered.status_message}")


def _chunked(calls: Iterable[tuple[Any, ...]], size: int) -> Iterator[list[tuple[Any, ...]]]:
    source = iter(calls)
    while chunk := list(itertools.islice(source, size)):
        yield chunk


_COURIERS: "weakref.WeakSet[Courier]" = weakref.WeakSet()
if hasattr(os, "register_at_fork"):
    # Their threads are not in a child, which would wait for them at its end.
    os.register_at_fork(after_in_child=_COURIERS.clear)


@atexit.register
def _finish() -> None:
    """As the executors of the standard library: the program ends when what was submitted is done."""
    for courier in list(_COURIERS):
        courier.close()
    for courier in list(_COURIERS):
        courier.finish()
