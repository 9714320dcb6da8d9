"""Searching: filters, visibility, counting and paging are the database's work, in two or three statements."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    Select,
    Text,
    bindparam,
    func,
    or_,
    select,
    type_coerce,
)
from sqlalchemy.exc import DBAPIError

from abaco.domain.search import Collection, Condition, OneOf, SearchQuery
from abaco.errors import InvalidInput, Unavailable
from abaco.ports import Found, FoundLog, SearchPage, SearchScope
from abaco.store.columns import MOST_BYTES_AT_ONCE, Unindexed
from abaco.store.database import Database
from abaco.store.permissions import readable_by
from abaco.store.rows import ACTOR_COLUMNS, EXECUTION_COLUMNS, to_actor, to_execution
from abaco.store.search_conditions import clause
from abaco.store.search_words import Words
from abaco.store.tables import actors, engines, executions, logs, workers
from abaco.store.workers import PLACED_COLUMNS, to_placed

__all__ = ["Searches"]

_CANCELLED, _BAD_PATTERN = "57014", "2201B"
"""PostgreSQL's words for a statement that ran out of time, and a pattern it gave up on."""

_TABLES: dict[Collection, FromClause] = {
    Collection.ACTORS: actors,
    Collection.EXECUTIONS: actors.join(executions, executions.c.actor_id == actors.c.id),
    Collection.WORKERS: actors.join(workers, workers.c.actor_id == actors.c.id).outerjoin(
        engines, engines.c.id == workers.c.engine_id
    ),
    Collection.LOGS: actors.join(executions, executions.c.actor_id == actors.c.id).join(
        logs, logs.c.execution_id == executions.c.id
    ),
}
_NUMBERS: dict[Collection, ColumnElement[int]] = {
    Collection.ACTORS: actors.c.seq,
    Collection.EXECUTIONS: executions.c.seq,
    Collection.WORKERS: workers.c.seq,
    Collection.LOGS: executions.c.seq,
}
"""Numbers in the order of creation."""
_COLUMNS: dict[Collection, Sequence[ColumnElement[Any]]] = {
    Collection.ACTORS: ACTOR_COLUMNS,
    Collection.EXECUTIONS: EXECUTION_COLUMNS,
    Collection.WORKERS: PLACED_COLUMNS,
    Collection.LOGS: (logs.c.execution_id, logs.c.actor_id, actors.c.owner, actors.c.api_server, logs.c.text),
}
_LONG: dict[Collection, Sequence[ColumnElement[Any]]] = {
    Collection.ACTORS: (
        *(actors.c.state, actors.c.default_environment, actors.c.link, actors.c.webhook),
        *(actors.c.description, actors.c.type),
    ),
    Collection.EXECUTIONS: (executions.c.final_state,),
    Collection.WORKERS: (workers.c.image,),
    Collection.LOGS: (logs.c.text,),
}


class Searches:
    """`seconds` is how long a statement of a search may take."""

    def __init__(self, database: Database, seconds: float) -> None:
        self._database = database
        self._seconds = seconds
        self._words = Words(is_postgresql=database.is_postgresql)

    def find(self, scope: SearchScope, query: SearchQuery, now: datetime) -> SearchPage:
        matching = self._matching(scope, query, now)
        found = matching
        if query.words:
            found = matching.where(self._words.any_occurs(scope.collection, query.words))
        try:
            with self._database.read_within(self._seconds) as connection:
                numbers = self._page(connection, matching, scope, query)
                if 0 < len(numbers) < query.limit or (not numbers and not query.skip and query.limit):
                    total = query.skip + len(numbers)
                else:
                    total = _once(connection, found.with_only_columns(func.count())).scalar_one()
                return SearchPage(total, self._load(connection, scope.collection, numbers))
        except DBAPIError as error:
            raise _explained(error, self._seconds) from None

    def _matching(self, scope: SearchScope, query: SearchQuery, now: datetime) -> Select[Any]:
        """The numbers of all that meets the conditions and has the exact phrases, in no order."""
        is_postgresql = self._database.is_postgresql
        conditions = [_plain_ids(condition, scope.tenant) for condition in query.conditions]
        compiled = [clause(scope.collection, condition, is_postgresql=is_postgresql) for condition in conditions]
        phrases = [self._words.occurs(scope.collection, phrase) for phrase in query.exact]
        if any(condition.path[0] == "webhook" for condition in conditions):
            # It may hold a nonce, which only its owner sees: nobody else may guess it piece by piece.
            compiled.append(actors.c.owner == scope.username)
        statement = select(_NUMBERS[scope.collection]).select_from(_TABLES[scope.collection])
        return statement.where(*_visible(scope, now), *compiled, *phrases).params(default_token=scope.default_token)

    def _page(self, connection: Connection, matching: Select[Any], scope: SearchScope, query: SearchQuery) -> list[int]:
        if not query.limit:
            return []
        number = _NUMBERS[scope.collection]
        if query.words:
            matching = self._words.ranked(scope.collection, matching, _TABLES[scope.collection], query.words)
        else:
            matching = matching.order_by(number)
        return list(_once(connection, matching.limit(query.limit).offset(query.skip)).scalars())

    def _load(self, connection: Connection, collection: Collection, numbers: Sequence[int]) -> list[Found]:
        """The objects of these numbers, in their order; raises InvalidInput if they are too large together."""
        if not numbers:
            return []
        number = _NUMBERS[collection]
        chosen = number.in_(bindparam("numbers", expanding=True, type_=BigInteger()))
        given = {"numbers": numbers}
        lengths = [func.length(type_coerce(column, Text())) for column in _LONG[collection]]
        size = func.coalesce(func.sum(sum(lengths[1:], lengths[0])), 0)
        tables = _TABLES[collection]
        if connection.execute(select(size).select_from(tables).where(chosen), given).scalar_one() > MOST_BYTES_AT_ONCE:
            raise InvalidInput(
                f"These {len(numbers)} entries are larger than {MOST_BYTES_AT_ONCE >> 20} MiB together: "
                "ask for fewer by limit."
            )
        rows = connection.execute(select(number, *_COLUMNS[collection]).select_from(tables).where(chosen), given)
        found = {row[0]: _read(collection, row[1:]) for row in rows}
        return [found[one] for one in numbers if one in found]


def _read(collection: Collection, row: Sequence[Any]) -> Found:
    match collection:
        case Collection.ACTORS:
            return to_actor(row)
        case Collection.EXECUTIONS:
            return to_execution(row)
        case Collection.WORKERS:
            return to_placed(row)
        case Collection.LOGS:
            return FoundLog(*row)


def _visible(scope: SearchScope, now: datetime) -> list[ColumnElement[bool]]:
    """What of the collection the scope holds."""
    visible = [Unindexed(actors.c.tenant) == scope.tenant, actors.c.deleted_at.is_(None)]
    if scope.actor_id is None:
        visible.append(readable_by(actors.c.id, scope.username))
    else:
        visible.append(actors.c.id == scope.actor_id)
    if scope.execution_id is not None:
        visible.append(executions.c.id == scope.execution_id)
    if scope.collection is Collection.LOGS:
        visible.append(or_(logs.c.expires_at.is_(None), logs.c.expires_at > now))
    return visible


def _plain_ids(condition: Condition, tenant: str) -> Condition:
    """Actors may be named by the id that containers see, which has the tenant in front."""
    if condition.path != ("actor_id",) or not isinstance(condition.test, OneOf):
        return condition
    values = [one.removeprefix(f"{tenant}_") if isinstance(one, str) else one for one in condition.test.values]
    return Condition(condition.path, OneOf(tuple(values)), condition.negated)


def _once(connection: Connection, statement: Select[Any]) -> Any:
    """Run a statement that hardly anybody will ask for again: it is not to displace others from the memory."""
    return connection.execution_options(compiled_cache=None).execute(statement)


def _explained(error: DBAPIError, seconds: float) -> Exception:
    """What a user can do about a failed search; other failures of the database stay what they are."""
    state, text = getattr(error.orig, "sqlstate", None), str(error.orig)
    if state == _CANCELLED or text == "interrupted":
        return Unavailable(f"The search took longer than {seconds:g} seconds: add conditions that find less.")
    if state == _BAD_PATTERN or "user-defined function raised exception" in text:
        return InvalidInput("The pattern is too complex: make it simpler.")
    return error
