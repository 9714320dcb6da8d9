"""Searches."""

from typing import Any

import msgspec
from msgspec import Struct

from abaco.api.schemas.base import Camel

__all__ = ["Found"]


class FoundMetadata(Camel, kw_only=True):
    """One page of a search."""

    total_count: int
    records_skipped: int
    record_limit: int
    count_returned: int


class Found(Struct):
    """The answer to a search: actors, executions, workers or logs."""

    metadata: FoundMetadata = msgspec.field(name="_metadata")
    search: list[dict[str, Any]]
