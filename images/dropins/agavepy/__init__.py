"""Stands in for agavepy inside actors: the module `agavepy.actors`, and the part of `agavepy.agave` it needs."""

from agavepy.agave import Agave, AgaveError

__all__ = ["Agave", "AgaveError"]
