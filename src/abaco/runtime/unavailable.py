"""What this machine lacks to run containers."""

__all__ = ["RuntimeUnavailable"]


class RuntimeUnavailable(RuntimeError):
    """Containers cannot run on this machine; ``str()`` tells its operator what to install or change."""
