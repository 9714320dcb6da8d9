"""``/metrics`` for Prometheus: what the database holds at this moment, and the requests of this process."""

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Any, Literal

from anyio import to_thread
from litestar import Request, Response, get
from litestar.handlers import BaseRouteHandler
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from abaco.api.auth import Caller
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.ports import FORWARDED_FROM
from abaco.services.admin import Admin

__all__ = ["Metrics", "metric_routes"]

_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Upper bounds in seconds: a post takes milliseconds, deletions and synchronous messages up to 20 seconds."""
_FORWARDED = {b"forwarded", b"via", b"x-forwarded-for", b"x-forwarded-host", b"x-real-ip"}


class Metrics:
    """Counts requests by operation (never by path: labels have few values) and renders everything."""

    def __init__(self, admin: Admin) -> None:
        self._registry = CollectorRegistry(auto_describe=False)
        self._requests = Counter(
            "abaco_http_requests",
            "Requests that the API answered since it was started.",
            ("operation", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "abaco_http_request_seconds",
            "How long the answers took.",
            ("operation",),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_Stored(admin))
        # Looking labels up by name costs more than counting.
        self._counting: dict[tuple[str, int], tuple[Counter, Histogram]] = {}

    def observe(self, operation: str, status: int, seconds: float) -> None:
        """One request was answered."""
        found = self._counting.get((operation, status))
        if found is None:
            counter = self._requests.labels(operation, str(status))
            found = self._counting[operation, status] = (counter, self._seconds.labels(operation))
        counter, histogram = found
        counter.inc()
        histogram.observe(seconds)

    def render(self) -> bytes:
        """The text for Prometheus."""
        return generate_latest(self._registry)


class _Stored(Collector):
    """What the database holds when somebody asks."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin

    def collect(self) -> Iterator[Metric]:
        now = self._admin.gauges()
        yield _gauge("abaco_actors", "Actors.", "status", _all(ActorStatus, now.actors))
        yield _gauge("abaco_executions", "Executions.", "status", _all(ExecutionStatus, now.executions))
        yield _gauge("abaco_workers", "Workers.", "status", _all(WorkerStatus, now.workers))
        yield _gauge("abaco_messages_waiting", "Messages that wait.", "tenant", now.waiting)
        yield _gauge(
            "abaco_actor_messages_waiting", "Messages that wait, of the 50 fullest mailboxes.", "actor_id", now.fullest
        )
        ever = CounterMetricFamily("abaco_actors_registered", "Actors that were ever registered.")
        ever.add_metric((), self._admin.actors_ever())
        yield ever


def _all(statuses: Any, counts: Mapping[str, int]) -> Mapping[str, int]:
    """A number for every status, so that a series does not vanish where it should fall to 0."""
    return {status.value: counts.get(status.value, 0) for status in statuses}


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, int]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def metric_routes(
    metrics: Metrics, admin: Admin, caller: Caller, access: Literal["local", "public", "admin"]
) -> list[BaseRouteHandler]:
    """`access` is the setting `metrics_access`."""

    @get("/metrics", include_in_schema=False)
    async def get_metrics(request: Request[Any, Any, Any]) -> Any:
        if not (access == "public" or (access == "local" and _is_local(request))):
            await caller.call(request, admin.check)
        text = await to_thread.run_sync(metrics.render)
        return Response(text, headers={"Content-Type": _CONTENT_TYPE})

    return [get_metrics]


def _is_local(request: Request[Any, Any, Any]) -> bool:
    """Whether this very machine asks, and not a proxy on it for somebody else."""
    if any(name in _FORWARDED for name, _ in request.scope["headers"]):
        return False
    client = request.scope.get("client")
    try:
        return client is not None and client[0] != FORWARDED_FROM and ip_address(client[0]).is_loopback
    except ValueError:
        return False
