"""Stands in for tapipy inside actors: the module `tapipy.actors`, and the part of `tapipy.tapis` it needs."""
