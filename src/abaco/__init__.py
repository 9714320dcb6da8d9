"""Abaco: functions-as-a-service for research computing on the actor model."""

__all__ = ["__version__"]

__version__ = "0.1.0"
