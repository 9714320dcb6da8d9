"""Resident memory of a server's roles, and what registered actors cost."""

from pathlib import Path

from bench.live import LiveServer

__all__ = ["children", "resident_megabytes"]


def resident_megabytes(server: LiveServer) -> dict[str, float]:
    """By role; pages that both have count twice."""
    return {role: sum(map(_resident, server.pids(role))) for role in ("api", "engine")}


def children(server: LiveServer) -> int:
    """Processes below the engine: of containers, or of whatever runs them."""
    tasks = [Path(f"/proc/{pid}/task") for pid in server.pids("engine")]
    return sum(len((one / "children").read_text().split()) for task in tasks for one in task.iterdir())


def _resident(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
