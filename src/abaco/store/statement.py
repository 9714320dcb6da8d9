"""Statements of the busiest paths: built and compiled once, then given to the driver as they are.

SQLAlchemy's own execution of a small statement takes ten times as long as the database does, and on SQLite the database
is locked meanwhile. What is left out here is what these statements do not need; text, types and errors stay its own.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, cast

from sqlalchemy import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import ClauseElement
from sqlalchemy.sql.compiler import SQLCompiler

__all__ = ["Statement"]

_Process = Callable[[Any], Any]
_MOST_FORMS = 256
"""How many lengths of lists are remembered; longer lists are compiled as they come."""


class Statement:
    """A statement whose values are bind parameters: those that differ are given by name, and by name only.

    Lists are given for ``bindparam(..., expanding=True)``. Nothing that a column would add by itself (a Python-side
    default, an autoincremented key's value) is added. Errors of the database are SQLAlchemy's.
    """

    def __init__(self, element: ClauseElement) -> None:
        self._element = element
        self._compiled: dict[str, tuple[SQLCompiler, Sequence[str]]] = {}
        # By the database's name alone where there are no lists, else by their lengths, too.
        self._forms: dict[str | tuple[Any, ...], _Form] = {}

    def all(self, connection: Connection, given: Mapping[str, Any]) -> list[Any]:
        """The rows: tuples whose fields have the columns' names."""
        form = self._form(connection.dialect, given)
        return form.rows(_executed(connection, form, form.parameters(given)))

    def first(self, connection: Connection, given: Mapping[str, Any]) -> Any:
        """The first row, or None."""
        rows = self.all(connection, given)
        return rows[0] if rows else None

    def run(self, connection: Connection, *given: Mapping[str, Any]) -> int:
        """For a statement that returns no rows: run it with each of `given`; how many rows it touched."""
        form = self._form(connection.dialect, given[0])
        if len(given) == 1:
            return int(_executed(connection, form, form.parameters(given[0])).rowcount)
        return int(_executed(connection, form, [form.parameters(one) for one in given], many=True).rowcount)

    def prepare(self, dialect: Dialect, given: Sequence[Mapping[str, Any]]) -> list[Any]:
        """What `run_prepared` takes, one for each of `given`: most of the work, done before the database is locked."""
        form = self._form(dialect, given[0])
        return [form.parameters(one) for one in given]

    def run_prepared(self, connection: Connection, prepared: Sequence[Any]) -> int:
        """As `run`. Of a statement without lists."""
        form = self._form(connection.dialect, {})
        if len(prepared) == 1:
            return int(_executed(connection, form, prepared[0]).rowcount)
        return int(_executed(connection, form, prepared, many=True).rowcount)

    def _form(self, dialect: Dialect, given: Mapping[str, Any]) -> "_Form":
        form = self._forms.get(dialect.name)
        if form is not None:
            return form
        compiled, lists = self._compile(dialect)
        key = (dialect.name, *[len(given[name]) for name in lists if name in given]) if lists else dialect.name
        form = self._forms.get(key)
        if form is None:
            form = _Form(compiled, dialect, given)
            if len(self._forms) < _MOST_FORMS:
                self._forms[key] = form
        return form

    def _compile(self, dialect: Dialect) -> tuple[SQLCompiler, Sequence[str]]:
        """Its text, and the names of its lists."""
        if dialect.name not in self._compiled:
            compiled = self._element.compile(dialect=dialect)
            # What statements are compiled by; and a default would be asked for, which nobody fills in here.
            assert isinstance(compiled, SQLCompiler)  # noqa: S101
            assert not [*compiled.insert_prefetch, *compiled.update_prefetch]  # noqa: S101
            lists = [name for parameter, name in compiled.bind_names.items() if parameter.expanding]
            self._compiled[dialect.name] = compiled, lists
        return self._compiled[dialect.name]


class _Form:
    """A statement for one database, with lists of certain lengths."""

    def __init__(self, compiled: SQLCompiler, dialect: Dialect, given: Mapping[str, Any]) -> None:
        state = compiled.construct_expanded_state(dict(given))
        self.text = state.statement
        self._constants = {name: value for name, value in compiled.params.items() if name not in given}
        processors: Mapping[str, Any] = {**compiled._bind_processors, **state.processors}  # noqa: SLF001
        # Where each parameter comes from: a name of `given`, and a position in its list.
        places = {name: (name, None) for name in compiled.params} | {
            one: (name, position)
            for name, several in state.parameter_expansion.items()
            for position, one in enumerate(several)
        }
        names = state.positiontup or [name for name in state.parameters if name in places]
        self._names = names
        self._places = [places[name] for name in names]
        self._has_lists = any(position is not None for _, position in self._places)
        self._processors = [(index, processors[name]) for index, name in enumerate(names) if processors.get(name)]
        self._positional = dialect.positional
        self._compiled, self._dialect = compiled, dialect
        self._result: tuple[Any, Sequence[tuple[int, _Process]]] | None = None

    def parameters(self, given: Mapping[str, Any]) -> Any:
        """What the driver takes: a list, or a dictionary by name, as the database has it."""
        if self._constants:
            given = {**self._constants, **given}
        if self._has_lists:
            values = [given[source] if at is None else given[source][at] for source, at in self._places]
        else:
            values = [given[source] for source, _ in self._places]
        for index, process in self._processors:
            values[index] = process(values[index])
        if self._positional:
            return values
        return dict(zip(self._names, values, strict=True))

    def rows(self, cursor: Any) -> list[Any]:
        row, processors = self._result or self._learn_result(cursor)
        if not processors:
            return [row(*raw) for raw in cursor.fetchall()]
        found = []
        for raw in cursor.fetchall():
            values = list(raw)
            for index, process in processors:
                values[index] = process(values[index])
            found.append(row(*values))
        return found

    def _learn_result(self, cursor: Any) -> tuple[Any, Sequence[tuple[int, _Process]]]:
        """The type of the rows, and by column what makes Python values of the driver's, where something has to."""
        columns = self._compiled._result_columns  # noqa: SLF001 - there is no public way to ask what it returns
        row = namedtuple("row", [column.keyname for column in columns], rename=True)  # type: ignore[misc]  # noqa: PYI024
        processors = [
            (index, column.type.dialect_impl(self._dialect).result_processor(self._dialect, told[1]))
            for index, (column, told) in enumerate(zip(columns, cursor.description, strict=True))
        ]
        self._result = row, [(index, process) for index, process in processors if process]
        return self._result


def _executed(connection: Connection, form: _Form, parameters: Any, *, many: bool = False) -> Any:
    driver: Any = connection.connection.dbapi_connection
    try:
        if not many:
            return driver.execute(form.text, parameters)
        cursor = driver.cursor()
        cursor.executemany(form.text, parameters)
    except Exception as error:
        raise _as_sqlalchemy_says(connection, form, error) from error
    return cursor


def _as_sqlalchemy_says(connection: Connection, form: _Form, error: Exception) -> Exception:
    """The error that `Connection.execute` would raise, which also gives up a connection that has broken."""
    dialect = connection.dialect
    module: Any = dialect.dbapi
    if not isinstance(error, module.Error):
        return error
    broken = dialect.is_disconnect(error, connection.connection.driver_connection, None)
    if broken:
        connection.invalidate(error)
    said: Any = DBAPIError.instance(
        form.text, {}, error, module.Error, hide_parameters=True, connection_invalidated=broken, dialect=dialect
    )
    return cast("Exception", said)
