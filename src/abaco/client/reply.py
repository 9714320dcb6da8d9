"""What the operations of the old clients return: dictionaries whose keys can be read as attributes, and raw bytes."""

from typing import Any

__all__ = ["Raw", "Replies", "Reply", "reply_of"]


class Reply(dict[str, Any]):
    """A JSON object: ``reply.executionId`` is ``reply["executionId"]``, also in the objects within."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(
                f"the server's answer has no {name!r}, it has {', '.join(self) or 'nothing'}"
            ) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


Replies = list[Reply]


class Raw(bytes):
    """An answer that is no JSON; old programs ask for its `content`, and whether it is `ok`."""

    ok = True

    @property
    def content(self) -> bytes:
        return bytes(self)


def reply_of(value: Any) -> Any:
    """A JSON value with its objects as `Reply`."""
    if isinstance(value, dict):
        return Reply((name, reply_of(each)) for name, each in value.items())
    if isinstance(value, list):
        return [reply_of(each) for each in value]
    return value
