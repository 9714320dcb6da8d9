"""The dictionary with attributes that ``tapipy.actors.get_context`` returns."""

from agavepy.attributes import AttrDict

__all__ = ["AttrDict"]
