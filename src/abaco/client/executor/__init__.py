"""`concurrent.futures` on Abaco: functions called by warm actors, results as they come."""

from abaco.client.executor.executor import AbacoExecutor
from abaco.client.executor.tasks import AbacoFuture, RemoteTraceback

__all__ = ["AbacoExecutor", "AbacoFuture", "RemoteTraceback"]
