"""Events going out: links in this very turn, webhooks side by side."""

from collections.abc import Callable

from anyio import CancelScope, to_thread

from abaco.ports import WebhookAnswer, Webhooks
from abaco.services.events import Events, Posting

__all__ = ["Outbox"]

_ROUNDS = 20
"""Times that a turn looks again because links were delivered: the actors' next events may be due then."""


class Outbox:
    """`run_once` is called by one loop; what it returns is given to `post`, each in a task of its own."""

    def __init__(self, events: Events, webhooks: Webhooks, wake: Callable[[], None]) -> None:
        self._events = events
        self._webhooks = webhooks
        self._wake = wake
        self._under_way: dict[int, Posting] = {}

    def run_once(self) -> list[Posting]:
        """Deliver the links that are due; the webhooks that are to be posted."""
        taken: list[Posting] = []
        for _ in range(_ROUNDS):
            # Copied at once: posts that end meanwhile take themselves out.
            under_way = list(self._under_way.values())
            delivered, postings = self._events.take([posting.entry for posting in under_way])
            self._under_way |= {posting.entry.seq: posting for posting in postings}
            taken += postings
            if not delivered:
                return taken
        self._wake()
        return taken

    async def post(self, posting: Posting) -> None:
        """Post one webhook, and see to what comes of it; if cancelled, it is posted again later."""
        try:
            answer = await self._answer(posting)
        except BaseException:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._events.abandoned, posting)
            raise
        else:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._events.landed, posting, answer)
        finally:
            del self._under_way[posting.entry.seq]
        self._wake()

    async def _answer(self, posting: Posting) -> WebhookAnswer:
        try:
            return await self._webhooks.post(posting.post)
        except Exception as error:  # noqa: BLE001 - one user's URL must not end everybody's engine
            return WebhookAnswer(None, f"it could not be posted: {type(error).__name__}")

    def drop_surplus(self) -> None:
        """Forget the oldest events where too many wait."""
        self._events.drop_surplus()
