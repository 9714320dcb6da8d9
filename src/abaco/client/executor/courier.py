"""Brings tasks to an actor and answers back: one thread posts, one listens to results, one fetches large answers."""

import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from contextlib import suppress

from abaco.client.abaco import Abaco
from abaco.client.executions import TERMINAL, Execution
from abaco.client.executor.fetching import Fetcher
from abaco.client.executor.frames import Reference
from abaco.client.executor.pace import Pace
from abaco.client.executor.posting import posted
from abaco.client.executor.tasks import MANY, AbacoFuture, Answer, Parts, Task
from abaco.client.results import Followed, FollowedResults
from abaco.errors import AbacoError, ExecutionFailed, Unavailable

__all__ = ["Courier"]


class Courier:
    """As many messages are at the server as `pace` has room for, the others can be cancelled; None: all are posted.

    Those that name files are always posted by `put`: what waits for them at the server does not wait for ever.

    It ends when it was closed and every future is done; then, if it is `temporary`, the actor is deleted.
    """

    def __init__(self, ab: Abaco, actor_id: str, pace: Pace | None, *, temporary: bool) -> None:
        self._ab = ab
        self._actor_id = actor_id
        self._pace = pace
        self._temporary = temporary
        self._change = threading.Condition()
        self._waiting: deque[Task] = deque()
        self._chosen: list[Task] = []
        self._sent: dict[str, AbacoFuture] = {}
        self._parts: dict[str, Parts] = {}
        # Of those sent, the ones whose answers are there, in files.
        self._fetched: set[str] = set()
        # Results may be here before the post that they answer has returned; those of others are not kept.
        self._posting = 0
        self._early: list[Followed] = []
        # Of those sent, the ones that another program sent: calls, or what it asked about the image.
        self._recovered: set[str] = set()
        # The number of the last result that the stream has brought.
        self._known = 0
        self._closed = False
        self._broken: Exception | None = None
        self.finished = threading.Event()
        self._stream = FollowedResults(ab.results, actor_id)
        self._fetcher = Fetcher(ab.files, actor_id, self._settle)
        self._listener = threading.Thread(target=self._listen, name=f"abaco-results-{actor_id}", daemon=True)
        self._listener.start()
        threading.Thread(target=self._work, name=f"abaco-posts-{actor_id}", daemon=True).start()

    def put(self, *tasks: Task) -> None:
        """Take on tasks. Raises RuntimeError after `close`, BrokenExecutor if the actor is gone; of what is posted at
        once what that raises.
        """
        with self._change:
            if self._closed:
                raise RuntimeError("cannot schedule new futures after shutdown")
            if self._broken is not None:
                raise BrokenExecutor(str(self._broken)) from self._broken
            if self._pace is not None and not any(task.has_files for task in tasks):
                self._waiting.extend(tasks)
                self._choose()
                self._change.notify_all()
                return
            for task in tasks:
                task.future.set_running_or_notify_cancel()
            self._posting += len(tasks)
        self._post(tasks)

    def recover(self) -> list[AbacoFuture]:
        """Futures of the messages that were posted before, by whomever, in order; without those whose answers are gone.

        Answers stay at the server for a time after their executions have ended.
        """
        entries = self._ab.executions.list(self._actor_id).executions
        futures = {entry.id: AbacoFuture() for entry in entries}
        for execution_id, future in futures.items():
            future.execution_id = execution_id
            future.set_running_or_notify_cancel()
        with self._change:
            self._sent.update(futures)
            self._recovered.update(futures)
        known = 0
        while page := self._ab.results.stored(self._actor_id, known):
            known = page[-1].number
            for each in page:
                if Parts.is_one(each.data):  # else it is what `ImageCheck` was told, which is nobody's call
                    self._take(each)
        for entry in entries:
            if entry.status in TERMINAL and self._lacks(entry.id) and not self._end(entry.id):
                del futures[entry.id]
        return list(futures.values())

    def close(self, *, cancel: bool = False) -> None:
        """Take on no more, and end once everything is done. With `cancel` what was not posted is cancelled."""
        with self._change:
            self._closed = True
            dropped = [task for task in self._waiting if cancel]
            if cancel:
                self._waiting.clear()
            self._change.notify_all()
        for task in dropped:
            task.future.cancel()
            task.future.set_running_or_notify_cancel()

    def wait(self) -> None:
        """Until every future is done, after `close`. Raises RuntimeError in a callback of one: it would be for ever."""
        if threading.current_thread() in {self._listener, self._fetcher.thread}:
            raise RuntimeError("a callback cannot wait for its own executor: use shutdown(wait=False)")
        self.finished.wait()

    def finish(self) -> None:
        """At the end of the program, after `close`: wait for what would be lost with it."""
        if self._temporary:
            self.finished.wait()

    # --- posting ---

    def _work(self) -> None:
        while self._post_next():
            pass
        self._stream.close()
        self._fetcher.close()
        if self._temporary:
            # The actor is gone, or the server is; or the client was closed, which httpx says by a RuntimeError.
            with suppress(AbacoError, RuntimeError):
                self._ab.actors.delete(self._actor_id)
        self.finished.set()

    def _post_next(self) -> bool:
        """Whether there was something to post; it is held by nobody here while the next is waited for."""
        tasks = self._next()
        try:
            self._post(tasks)
        except Exception as error:  # noqa: BLE001 - for whoever waits for the futures
            for task in tasks:
                if task.future.execution_id is None:
                    task.future.set_exception(error)
        return bool(tasks)

    def _next(self) -> list[Task]:
        """The next tasks once there is room for some, counted as being posted; none at the end."""
        with self._change:
            while True:
                self._choose()
                if self._chosen:
                    tasks, self._chosen = self._chosen, []
                    return tasks
                if self._closed and not (self._waiting or self._sent or self._posting):
                    return []
                self._change.wait()

    def _choose(self) -> None:
        """Of the tasks that wait as many as there is room for; from now on they cannot be cancelled."""
        while self._waiting and self._pace is not None and len(self._sent) + self._posting < self._pace.room:
            task = self._waiting.popleft()
            if task.future.set_running_or_notify_cancel():
                self._posting += 1
                self._chosen.append(task)

    def _post(self, tasks: Sequence[Task]) -> None:
        left = deque(tasks)
        try:
            for execution_id in posted(self._ab, self._actor_id, [task.message for task in tasks]):
                self._posted(execution_id, left.popleft().future)
        finally:
            for task in left:
                self._posted(None, task.future)

    def _posted(self, execution_id: str | None, future: AbacoFuture) -> None:
        with self._change:
            if execution_id is not None:
                future.execution_id = execution_id
                self._sent[execution_id] = future
            self._posting -= 1
            mine = [each for each in self._early if each.execution_id == execution_id]
            self._early = [each for each in self._early if each.execution_id != execution_id] if self._posting else []
            broken = self._broken
            self._change.notify_all()
        for each in mine:
            self._take(each)
        if broken is not None and execution_id is not None:
            self._fail(execution_id, broken)

    # --- listening ---

    def _listen(self) -> None:
        try:
            for followed in self._stream:
                if followed is None:
                    with suppress(Unavailable):  # the next sign of life makes it look again
                        self._look()
                else:
                    self._take(followed)
                    self._known = followed.number
        except Exception as error:  # noqa: BLE001 - or whoever waits would wait for ever
            self._break(error)

    def _take(self, followed: Followed) -> None:
        """A result: of a message that was sent, perhaps of one that is being posted, or of somebody else's."""
        with self._change:
            if not self._lacks(followed.execution_id):
                if self._posting and followed.execution_id not in self._sent:
                    self._early.append(followed)
                return
            parts = self._parts.setdefault(followed.execution_id, Parts())
            is_call = followed.execution_id not in self._recovered or Parts.is_one(followed.data)
        try:
            answer = parts.add(followed.data) if is_call else _NOTHING
        except AbacoError as error:
            self._fail(followed.execution_id, error)
            return
        if isinstance(answer, Reference):
            with self._change:
                self._fetched.add(followed.execution_id)
            self._fetcher.put(followed.execution_id, answer)
        elif answer is not None:
            self._settle(followed.execution_id, answer)

    def _look(self) -> None:
        """Find the executions that have ended without an answer: killed, out of memory, purged."""
        with self._change:
            if not self._sent:
                return
        listed = self._ab.executions.list(self._actor_id).executions
        ended = [entry.id for entry in listed if entry.status in TERMINAL and self._lacks(entry.id)]
        # The stream may be about to bring their answers, which stay at the server for whoever else wants them.
        known = self._known
        while ended and (page := self._ab.results.stored(self._actor_id, known)):
            known = page[-1].number
            for each in page:
                self._take(each)
        for execution_id in ended:
            if self._lacks(execution_id):
                self._end(execution_id)

    def _end(self, execution_id: str) -> bool:
        """Settle an execution that has ended without an answer that is there; whether it was a call."""
        execution = self._ab.executions.get(self._actor_id, execution_id)
        if execution_id in self._recovered and execution.status == "COMPLETE" and execution.exit_code == 0:
            self._settle(execution_id, _NOTHING)  # it has expired, or was for whoever asked about the image
            return False
        self._fail(execution_id, _ended(execution))
        return True

    def _lacks(self, execution_id: str) -> bool:
        """Whether its answer has yet to come."""
        return execution_id in self._sent and execution_id not in self._fetched

    def _settle(self, execution_id: str, answer: Answer | Exception) -> None:
        if isinstance(answer, Exception):
            self._fail(execution_id, answer)
        elif (future := self._done(execution_id)) is not None:
            answer.settle(future)

    def _done(self, execution_id: str) -> AbacoFuture | None:
        with self._change:
            self._parts.pop(execution_id, None)
            self._fetched.discard(execution_id)
            self._recovered.discard(execution_id)
            future = self._sent.pop(execution_id, None)
            if self._pace is not None:
                self._pace.answered()
            self._change.notify_all()
        return future

    def _fail(self, execution_id: str, error: Exception) -> None:
        future = self._done(execution_id)
        if future is not None:
            future.set_exception(error)

    def _break(self, error: Exception) -> None:
        """Nothing more will come: the actor was deleted, or the server stays away."""
        with self._change:
            self._broken = error
            waiting = list(self._waiting)
            self._waiting.clear()
            sent = [each for each in self._sent if self._lacks(each)]
            self._change.notify_all()
        for execution_id in sent:
            self._fail(execution_id, error)
        for task in waiting:
            if task.future.set_running_or_notify_cancel():
                task.future.set_exception(BrokenExecutor(str(error)))


_NOTHING = Answer(MANY, [])
"""Of what was no call."""


def _ended(execution: Execution) -> ExecutionFailed:
    how = execution.reason or f"exit code {execution.exit_code}, and no answer"
    return ExecutionFailed(f"execution {execution.id}, which was to make the call, ended: {how}.")
