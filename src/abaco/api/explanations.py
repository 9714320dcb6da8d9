"""``/actors/{id}/executions/{id}/explain``: where the time goes, and why."""

from typing import Any

from litestar import Request, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller
from abaco.api.documents import documented
from abaco.api.params import surface_of
from abaco.api.surface import CANONICAL_ROOT, Surface
from abaco.api.times import durations_fields, times_fields
from abaco.api.wire import Wire, execution_links
from abaco.domain.moment import iso
from abaco.services.explanations import Explained, Explanations

__all__ = ["explanation_routes"]

_PATH = CANONICAL_ROOT + "/{actor_id:str}/executions/{execution_id:str}/explain"
_EXPLAIN = documented(
    "explainExecution", "Say where an execution's time goes, and why it waits or how it ended.", schemas.Explanation
)


def _fields(surface: Surface, explained: Explained) -> dict[str, Any]:
    """Nulls stay in both cases: that it waits for nobody is an answer, too."""
    execution, why = explained.execution, explained.explanation
    fields = {
        "id": execution.id,
        "actor_id": execution.actor_id,
        "status": execution.status.value,
        "code": why.code,
        "reason": why.text,
        "messages_before": explained.ahead,
        "waits_for": why.waits_for,
        "until": iso(why.until),
        "times": times_fields(surface, explained.timeline),
        "durations": durations_fields(surface, explained.durations),
        "_links": execution_links(surface, execution),
    }
    return {surface.spell(name): value for name, value in fields.items()}


def explanation_routes(explanations: Explanations, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    @get(_PATH, **_EXPLAIN)
    async def explain_execution(
        request: Request[Any, Any, Any], actor_id: FromPath[str], execution_id: FromPath[str]
    ) -> Any:
        explained = await caller.call(request, lambda who: explanations.explain(who, actor_id, execution_id))
        return wire.success("Execution explained successfully.", _fields(surface_of(request), explained))

    return [explain_execution]
