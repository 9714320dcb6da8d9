"""Full-text search. Actors and logs have indexes (migration 0003); executions and workers, whose rows are short and
written thousands of times a second, are read instead.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    Float,
    FromClause,
    Integer,
    Select,
    Text,
    and_,
    case,
    column,
    func,
    literal,
    literal_column,
    or_,
    select,
    table,
    true,
)

from abaco.domain.search import Collection
from abaco.domain.search_words import Phrase
from abaco.store.search_fields import NESTED_TEXTS, TEXTS
from abaco.store.search_sqlite import phrase_text
from abaco.store.tables import actors, executions, logs, workers

__all__ = ["Words"]

_GAP = " endoffield "
_SIMPLE: ColumnElement[str] = literal_column("'simple'")
_INDEXED = {
    Collection.ACTORS: (table("actor_words", column("rowid", Integer)), actors.c.seq, "actors.words"),
    Collection.LOGS: (table("log_words", column("rowid", Integer)), executions.c.seq, "logs.words"),
}
"""SQLite's index and the number it knows a row by; PostgreSQL's column."""


class Words:
    """Filters by phrases, and the order of what has some of them."""

    def __init__(self, *, is_postgresql: bool) -> None:
        self._is_postgresql = is_postgresql

    def occurs(self, collection: Collection, phrase: Phrase) -> ColumnElement[bool]:
        return self.any_occurs(collection, [phrase])

    def any_occurs(self, collection: Collection, phrases: Sequence[Phrase]) -> ColumnElement[bool]:
        """At least one of the phrases occurs in a text of the row."""
        if collection not in _INDEXED:
            return or_(*(self._read(collection, phrase) for phrase in phrases))
        words, number, vector = _INDEXED[collection]
        if self._is_postgresql:
            return self._or_running(collection, literal_column(vector).bool_op("@@")(_tsquery(phrases)), phrases)
        indexed = number.in_(select(words.c.rowid).where(_matches(words.name, phrases)))
        return self._or_running(collection, indexed, phrases)

    def _or_running(
        self, collection: Collection, indexed: ColumnElement[bool], phrases: Sequence[Phrase]
    ) -> ColumnElement[bool]:
        """The log of a running execution is not in the index yet."""
        if collection is not Collection.LOGS:
            return indexed
        occurs = or_(*(self._in_texts(phrase, [logs.c.text], None) for phrase in phrases))
        return or_(indexed, and_(logs.c.expires_at.is_(None), occurs))

    def ranked(
        self, collection: Collection, matching: Select[Any], tables: FromClause, phrases: Sequence[Phrase]
    ) -> Select[Any]:
        """What of `matching`, a statement over `tables`, has some of the phrases, the best first.

        That is the index's own measure, or how many of the phrases occur. Of equal ones the oldest comes first.
        """
        if collection not in _INDEXED:
            number = workers.c.seq if collection is Collection.WORKERS else executions.c.seq
            score = sum((case((self._read(collection, one), 1), else_=0) for one in phrases), literal(0))
            return matching.where(self.any_occurs(collection, phrases)).order_by(score.desc(), number)
        words, number, vector = _INDEXED[collection]
        if self._is_postgresql:
            rank = func.ts_rank(literal_column(vector), _tsquery(phrases), type_=Float())
            found = matching.where(self.any_occurs(collection, phrases))
            return found.order_by(func.coalesce(rank, 0).desc(), number)
        # The measure of FTS5 is the smaller the better.
        best = (
            select(words.c.rowid.label("number"), literal_column("rank").label("rank"))
            .where(_matches(words.name, phrases))
            .subquery()
        )
        joined = matching.select_from(tables.outerjoin(best, best.c.number == number))
        found = joined.where(self._or_running(collection, best.c.number.is_not(None), phrases))
        return found.order_by(func.coalesce(best.c.rank, 0), number)

    def _read(self, collection: Collection, phrase: Phrase) -> ColumnElement[bool]:
        return self._in_texts(phrase, TEXTS[collection], NESTED_TEXTS.get(collection))

    def _in_texts(
        self, phrase: Phrase, texts: Sequence[ColumnElement[Any]], nested: ColumnElement[Any] | None
    ) -> ColumnElement[bool]:
        """Whether the phrase occurs in one of the texts, or in one in the JSON of `nested`."""
        everything = _joined([*texts, *([] if nested is None else [nested])])
        # Finds most rows that have not got it at a fraction of the cost.
        find = func.strpos if self._is_postgresql else func.instr
        lowered = func.lower(everything)
        likely = [find(lowered, literal(word, Text())) > 0 for word in phrase if word.isascii()]
        if self._is_postgresql:
            strings = [*texts, *([] if nested is None else [func.abaco_strings(nested, type_=Text())])]
            vector = func.abaco_tsvector(_joined(strings))
            return and_(*likely, vector.bool_op("@@")(_tsquery([phrase])))
        strings = [*texts, *([] if nested is None else [_strings_sqlite(nested)])]
        found = func.abaco_occurs(literal(phrase_text(phrase), Text()), *strings, type_=Boolean())
        return and_(*likely, found == true())


def _joined(texts: Sequence[ColumnElement[Any]]) -> ColumnElement[str]:
    whole: Any = func.coalesce(texts[0], "")
    for text in texts[1:]:
        whole = whole.concat(_GAP).concat(func.coalesce(text, ""))
    joined: ColumnElement[str] = whole
    return joined


def _strings_sqlite(document: ColumnElement[Any]) -> ColumnElement[Any]:
    parts = func.json_tree(document).table_valued("value", "type")
    return (
        select(func.group_concat(parts.c.value, _GAP))
        .where(parts.c.type == "text")
        .correlate(executions)
        .scalar_subquery()
    )


def _matches(index: str, phrases: Sequence[Phrase]) -> ColumnElement[bool]:
    """FTS5's own language has each phrase in quotes; words are letters and digits only."""
    asked = " OR ".join(f'"{" ".join(phrase)}"' for phrase in phrases)
    return literal_column(index).op("MATCH", is_comparison=True)(literal(asked, Text()))


def _tsquery(phrases: Sequence[Phrase]) -> ColumnElement[Any]:
    first, *rest = (func.phraseto_tsquery(_SIMPLE, literal(" ".join(phrase), Text())) for phrase in phrases)
    query: ColumnElement[Any] = first
    for one in rest:
        query = query.op("||")(one)
    return query
