"""`AbacoExecutor` and `AbacoAsyncResponse` as `agavepy.actors` has them, for programs that were written for it.

    from abaco import Abaco
    from abaco.client.old import AbacoExecutor

    executor = AbacoExecutor(Abaco(...), image="abacosamples/py3_func")
    print(executor.blocking_call(f, 3))  # [14]

New programs take `abaco.AbacoExecutor`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from abaco.client.abaco import Abaco
from abaco.client.executor import AbacoExecutor as Calls
from abaco.client.executor import AbacoFuture
from abaco.errors import NotFound

__all__ = ["AbacoAsyncResponse", "AbacoExecutor"]

_IMAGES = {"py3-scipy": "abacosamples/py3_sci_base_func", "sd2e-jupyter": "sd2e/jupyteruser_func"}
"""Of contexts; of others the default."""


class AbacoAsyncResponse:
    """A call under way; what comes of it is a list, of one result."""

    def __init__(self, future: AbacoFuture) -> None:
        self._future = future

    @property
    def execution_id(self) -> str | None:
        """None until the call was sent."""
        return self._future.execution_id

    def done(self) -> bool:
        return self._future.done()

    def running(self) -> bool:
        return not self._future.done()

    def result(self, timeout: float | None = None) -> list[Any]:
        """The list of the result, once it is there. Raises what the call raised, TimeoutError after `timeout` s."""
        return [self._future.result(timeout)]

    get = result

    def __getitem__(self, index: int) -> Any:
        return self.result()[index]

    def __len__(self) -> int:
        return len(self.result())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.result())


class AbacoExecutor:
    """Has functions called on the server; `delete` it when it is not needed any more.

    With `actor_id` it uses that actor, otherwise one of its own, with `image` or, without one, that of a `context`:
    ``py3``, ``py3-scipy`` or ``sd2e-jupyter``.
    """

    def __init__(
        self,
        ag: Abaco,
        actor_id: str | None = None,
        image: str | None = None,
        context: str | None = None,
        num_workers: int = 1,
        timeout: float = 60,
    ) -> None:
        taken = image or _IMAGES.get(context or "")
        self._ag = ag
        self._calls = Calls(ag, image=taken, actor_id=actor_id, num_workers=num_workers, timeout=timeout)
        self.actor_id = self._calls.actor_id

    def submit(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> AbacoAsyncResponse:
        return AbacoAsyncResponse(self._calls.submit(fn, *args, **kwargs))

    def map(
        self,
        fn: Callable[..., Any],
        args_list: Sequence[Sequence[Any]] = (),
        kwargs_list: Sequence[Mapping[str, Any]] | None = None,
    ) -> list[AbacoAsyncResponse]:
        """A call for each list of arguments in `args_list`, with the keyword arguments at the same place."""
        named = kwargs_list or [{}] * len(args_list)
        return [self.submit(fn, *args, **kwargs) for args, kwargs in zip(args_list, named, strict=True)]

    def blocking_call(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> list[Any]:
        """The list of the result."""
        return self.submit(fn, *args, **kwargs).result()

    def delete(self) -> None:
        """Delete the actor; calls that were not sent are cancelled, the others waited for."""
        self._calls.shutdown(cancel_futures=True)
        with suppress(NotFound):
            self._ag.actors.delete(self.actor_id)
