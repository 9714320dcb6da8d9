"""Statements that go to the driver as they are: what SQLAlchemy's own execution would give, they give."""

import pytest
from sqlalchemy import bindparam, delete, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from store.scene import NOW, add_actor, new_message

from abaco.store.database import Database
from abaco.store.sql import SqlStore
from abaco.store.statement import Statement
from abaco.store.tables import actors, chunks, counters, executions

_NAMED = select(executions).where(executions.c.id.in_(bindparam("ids", expanding=True))).order_by(executions.c.seq)
_ADD_CHUNK = Statement(
    insert(chunks).values({name: bindparam(name) for name in ("execution_id", "position", "data", "stored_at")})
)


def _chunk(position: int) -> dict[str, object]:
    return {"execution_id": "e1", "position": position, "data": b"\0\xff", "stored_at": NOW}


def test_rows_are_those_of_sqlalchemy_whatever_the_length_of_a_list(store: SqlStore, database: Database) -> None:
    add_actor(store)
    store.mailbox.add([new_message(f"e{n}") for n in range(5)])
    named = Statement(_NAMED)
    with database.read() as connection:
        for ids in (["e1"], ["e3", "e0"], [], ["e1", "e1", "e4"], ["e2", "e4"]):
            rows = named.all(connection, {"ids": ids})
            expected = connection.execute(_NAMED, {"ids": ids}).all()
            assert [row._asdict() for row in rows] == [row._asdict() for row in expected]
            assert [row.received_at for row in rows] == [NOW] * len(set(ids))


def test_a_list_may_be_longer_than_any_that_is_remembered(store: SqlStore, database: Database) -> None:
    add_actor(store)
    store.mailbox.add([new_message("e1")])
    named = Statement(_NAMED)
    with database.read() as connection:
        for length in range(300):
            assert len(named.all(connection, {"ids": ["e1", *map(str, range(length))]})) == 1


def test_values_that_are_constants_stand_in_the_statement(store: SqlStore, database: Database) -> None:
    add_actor(store)
    found = Statement(select(actors.c.id).where(actors.c.status.in_(["SUBMITTED", "READY"])))
    with database.read() as connection:
        assert found.all(connection, {}) == [("actor1",)]
        assert found.first(connection, {}).id == "actor1"


def test_one_run_or_several_touch_rows(database: Database) -> None:
    removal = Statement(delete(chunks).where(chunks.c.execution_id == bindparam("execution")))
    with database.write() as connection:
        assert _ADD_CHUNK.run(connection, _chunk(0)) == 1
        _ADD_CHUNK.run(connection, _chunk(1), _chunk(2))
        assert removal.run(connection, {"execution": "e1"}) == 3
        assert removal.run(connection, {"execution": "e1"}) == 0


def test_a_value_is_a_value_also_where_it_is_a_list(store: SqlStore, database: Database) -> None:
    add_actor(store)
    change = Statement(update(actors).values(state=bindparam("new_state")))
    with database.write() as connection:
        for state in ([1, 2], [], {"a": [None]}):
            change.run(connection, {"new_state": state})
            assert connection.execute(select(actors.c.state)).scalar_one() == state


def test_errors_are_those_of_sqlalchemy_and_hide_the_values(database: Database) -> None:
    with pytest.raises(IntegrityError) as caught, database.write() as connection:
        _ADD_CHUNK.run(connection, _chunk(0), _chunk(0))
    assert r"\xff" not in str(caught.value)
    with pytest.raises(DBAPIError), database.write() as connection:
        Statement(text("SELECT nothing FROM nowhere")).all(connection, {})
    with database.read() as connection:
        assert connection.execute(select(chunks)).all() == []


def test_a_default_of_a_column_is_refused_since_nobody_would_fill_it_in(database: Database) -> None:
    with pytest.raises(AssertionError), database.write() as connection:
        Statement(insert(executions).values(id=bindparam("new_id"))).run(connection, {"new_id": "e1"})


@pytest.mark.parametrize("kind", ["postgresql"], indirect=True)
def test_a_connection_that_broke_is_given_up(database: Database) -> None:
    count = Statement(select(counters.c.value))
    with pytest.raises(OperationalError) as caught:
        _count_with_a_broken_connection(database, count)
    assert caught.value.connection_invalidated
    with database.write() as connection:
        count.all(connection, {})


def _count_with_a_broken_connection(database: Database, count: Statement) -> None:
    with database.write() as connection:
        own = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with database.read() as other:
            other.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": own})
        count.all(connection, {})


def test_what_is_prepared_runs_as_ever(database: Database) -> None:
    for positions in ([0], [1, 2, 3]):
        prepared = _ADD_CHUNK.prepare(database.dialect, [_chunk(position) for position in positions])
        with database.write() as connection:
            assert _ADD_CHUNK.run_prepared(connection, prepared) == len(positions)
    with database.read() as connection:
        rows = connection.execute(select(chunks).order_by(chunks.c.position)).all()
    assert [row._asdict() for row in rows] == [_chunk(position) for position in range(4)]
