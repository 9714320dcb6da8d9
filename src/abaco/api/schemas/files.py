"""Files of actors."""

from abaco.api.schemas.base import Camel

__all__ = ["File"]


class File(Camel, kw_only=True):
    """A file that was uploaded."""

    digest: str
    size: int
