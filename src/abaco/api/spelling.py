"""Fields in the texts of errors: rules know them by one name, users by that of the face they ask."""

import re

import msgspec

from abaco.api import schemas
from abaco.api.surface import Surface
from abaco.errors import AbacoError

__all__ = ["respelled"]


def _names() -> set[str]:
    """The fields that are not spelled alike on all faces."""
    described = [getattr(schemas, name) for name in schemas.__all__]
    structs = [one for one in described if isinstance(one, type) and issubclass(one, msgspec.Struct)]
    fields = [field for one in structs for field in msgspec.structs.fields(one)]
    return {field.name for field in fields if field.name != field.encode_name}


_FIELD = re.compile(rf"(?<![\w'\"$-])(?:{'|'.join(sorted(_names()))})(?![\w'\"-])")
"""One that is not quoted: what is may be the user's own."""


def respelled(error: AbacoError, surface: Surface) -> AbacoError:
    """`error` as users of `surface` are told of it."""
    text = _FIELD.sub(lambda found: surface.spell(found[0]), error.message)
    return error if text == error.message else type(error)(text)
