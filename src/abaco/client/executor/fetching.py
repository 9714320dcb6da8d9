"""Answers that are in files: fetched one after the other, while the results of others go on coming."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from abaco.client.executor.frames import Reference
from abaco.client.executor.tasks import Answer, answer_of
from abaco.client.files import Files

__all__ = ["Fetcher"]


class Fetcher:
    """`settle` is called, in a thread of this, with the execution's id and its answer, or why there is none."""

    def __init__(self, files: Files, actor_id: str, settle: Callable[[str, Answer | Exception], None]) -> None:
        self._files = files
        self._actor_id = actor_id
        self._settle = settle
        self._wanted: SimpleQueue[tuple[str, Reference] | None] = SimpleQueue()
        # From the beginning: where the program ends no thread can be started any more, but answers still come.
        self.thread = threading.Thread(target=self._work, name=f"abaco-answers-{actor_id}", daemon=True)
        self.thread.start()

    def put(self, execution_id: str, reference: Reference) -> None:
        """Fetch an answer, after those before it: so there is no more memory taken than for one that is being read."""
        self._wanted.put((execution_id, reference))

    def close(self) -> None:
        """End once all is fetched."""
        self._wanted.put(None)

    def _work(self) -> None:
        while (wanted := self._wanted.get()) is not None:
            execution_id, reference = wanted
            self._settle(execution_id, self._answer(reference))

    def _answer(self, reference: Reference) -> Answer | Exception:
        try:
            frames = [bytearray(length) for length in reference.lengths]
            self._files.download(self._actor_id, reference.digest, [memoryview(frame) for frame in frames])
            return answer_of(frames)
        except Exception as error:  # noqa: BLE001 - for whoever waits for the future
            return error
