"""The one place that knows which database it is: connections, transactions, durability, schema version."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from fcntl import LOCK_EX, LOCK_UN, flock
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from sqlalchemy import URL, Connection, Dialect, Engine, Table, create_engine, event, make_url
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.pool import NullPool

from abaco.errors import InvalidInput, Unavailable
from abaco.store.search_sqlite import install_functions

__all__ = ["Database", "open_database", "require_url"]

_BUSY_SECONDS = 30
"""How long a writer waits for another process's transaction; those take milliseconds."""
_STEPS = 2_000
"""How many steps of SQLite's machine lie between two looks at the clock."""
_PATIENCE = {"keepalives_idle": 5, "keepalives_interval": 2, "keepalives_count": 2, "tcp_user_timeout": 8_000}
"""Seconds, a number, and milliseconds: how soon a PostgreSQL that has gone without a word is given up, after which the
roles begin anew. By itself the kernel waits for a quarter of an hour, or for two, and the engine with it.
"""
_BEGIN = "BEGIN IMMEDIATE"
"""On SQLite a transaction that reads first and writes later could not be upgraded under a rival writer."""
_MIGRATION_LOCK = 7_226_226
"""Any constant of our own: the key of PostgreSQL's advisory lock around migrations."""


class _Turn:
    """SQLite takes one writer at a time, and its own waiting is a series of sleeps, in which a busy process starves
    others for seconds. Here writers wait for their turn: threads on a lock, processes on the kernel's lock of a file.
    """

    def __init__(self, path: str) -> None:
        self._threads = Lock()
        self._file = Path(path).open("ab")  # noqa: SIM115 - open as long as the database is

    def __enter__(self) -> None:
        self._threads.acquire()
        try:
            flock(self._file, LOCK_EX)
        except BaseException:
            self._threads.release()
            raise

    def __exit__(self, *_: object) -> None:
        flock(self._file, LOCK_UN)
        self._threads.release()

    def close(self) -> None:
        self._file.close()


class _Connections:
    """Connections that are not given back to the engine after each use, `most` of them unless in use: with SQLite that
    way takes longer than most of what is done with them. The one used last comes first, whose pages SQLite has in its
    cache; one that failed is closed.

    PostgreSQL's go back, since the pool looks whether a connection still holds before it gives it away.
    """

    def __init__(self, engine: Engine, most: int) -> None:
        self.engine = engine
        self._most = most
        self._idle: list[Connection] = []

    def __call__(self) -> "_Use":
        return _Use(self)

    def take(self) -> Connection:
        try:
            return self._idle.pop()
        except IndexError:
            return self.engine.connect()

    def give_back(self, connection: Connection, *, failed: bool) -> None:
        if failed or len(self._idle) >= self._most:
            connection.close()
        else:
            self._idle.append(connection)

    def close(self) -> None:
        self._most = 0
        for connection in self._idle:
            connection.close()
        self._idle.clear()
        self.engine.dispose()


class _Use:
    """A connection for the length of a ``with`` block: a dozen of them are entered for each message."""

    def __init__(self, connections: _Connections) -> None:
        self._connections = connections

    def __enter__(self) -> Connection:
        self._connection = self._connections.take()
        return self._connection

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._connections.give_back(self._connection, failed=kind is not None)


class Database:
    """Reads and writes in transactions; the rest of the store never sees a driver."""

    def __init__(self, engine: Engine, reader: Engine, connections: int) -> None:
        self._engine = engine
        most = 0 if self.is_postgresql else connections
        self._writers = _Connections(engine, most)
        # On SQLite the same ones: who writes what it has just read about finds the pages in its connection's cache.
        self._readers = self._writers if reader is engine else _Connections(reader, most)
        path = None if self.is_postgresql else engine.url.database
        self._turn = _Turn(f"{path}-turn") if path else nullcontext()

    @contextmanager
    def write(self, *, lasting: bool = True) -> Iterator[Connection]:
        """A transaction that is on disk when the block ends, or did not happen if it raised.

        One that need not be `lasting` may be undone by an end of the whole machine, but by nothing less: SQLite hands
        it to the operating system only, and what is written next takes it along to the disk. PostgreSQL, which may end
        without us, has no use for that.
        """
        with self._turn, self._writers() as connection:
            if self.is_postgresql:
                with connection.begin():
                    yield connection
                return
            driver: Any = connection.connection.dbapi_connection
            _synchronize(connection, driver, "FULL" if lasting else "NORMAL")
            # Said by ourselves: SQLAlchemy's way takes twice as long as the rest of a small transaction. After an error
            # the connection is closed, which undoes it.
            driver.execute(_BEGIN)
            yield connection
            if not driver.in_transaction:
                raise RuntimeError("The transaction was ended inside its block.")
            connection.commit()  # of a statement that SQLAlchemy executed it thinks that it began this
            driver.commit()

    def read(self) -> AbstractContextManager[Connection]:
        """A connection on which each statement sees the latest committed data.

        What is asked is to be read within the block: on SQLite a statement that is not at its end holds back the
        others' view of the data.
        """
        return self._readers()

    @contextmanager
    def read_within(self, seconds: float) -> Iterator[Connection]:
        """As `read`, for statements that nobody can foresee: one that takes longer is interrupted with a DBAPIError."""
        with self._readers() as connection:
            if self.is_postgresql:
                connection.exec_driver_sql(f"SET statement_timeout = {max(1, round(seconds * 1000))}")
                try:
                    yield connection
                finally:
                    connection.exec_driver_sql("RESET statement_timeout")
                return
            driver: Any = connection.connection.driver_connection
            deadline = monotonic() + seconds
            driver.set_progress_handler(lambda: monotonic() > deadline, _STEPS)
            try:
                yield connection
            finally:
                driver.set_progress_handler(None, 0)

    def sync(self) -> None:
        """Have on disk whatever was committed, also where it needed not be lasting then."""
        if not self.is_postgresql:
            # It holds what is not in the database file yet; what is there was synced on the way.
            log = os.open(f"{self._engine.url.database}-wal", os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(log)
            finally:
                os.close(log)

    def upsert(self, table: Table) -> "postgresql.Insert | sqlite.Insert":
        """An INSERT that can say ON CONFLICT; both dialects spell it alike."""
        return postgresql.insert(table) if self.is_postgresql else sqlite.insert(table)

    @property
    def dialect(self) -> Dialect:
        return self._engine.dialect

    @property
    def is_postgresql(self) -> bool:
        return self._engine.dialect.name == "postgresql"

    def migrate(self) -> None:
        """Bring the schema to this version's; safe when several processes start at once."""
        # Ten megabytes that the running roles have no use for.
        from alembic import command  # noqa: PLC0415
        from alembic.config import Config  # noqa: PLC0415

        config = Config()
        config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
        lock = f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})" if self.is_postgresql else _BEGIN
        with self._turn, self._engine.begin() as connection:
            connection.exec_driver_sql(lock)
            config.attributes["connection"] = connection
            command.upgrade(config, "head")

    def close(self) -> None:
        self._writers.close()
        self._readers.close()
        if isinstance(self._turn, _Turn):
            self._turn.close()


def require_url(text: str) -> URL:
    """`text` as a database URL we can use; raises InvalidInput saying what is wrong."""
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # whose text may show the password
        raise InvalidInput("database is not a URL such as postgresql://user@host/name.") from None
    if "@" in (url.host or ""):
        raise InvalidInput("database has two @: in a password, write %40 for it.")
    if url.drivername in {"postgresql", "postgres"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername not in {"sqlite", "postgresql+psycopg"}:
        raise InvalidInput(f"database {url.drivername!r} is not supported: use postgresql:// or leave it out.")
    return url


def open_database(url: URL, connections: int = 20) -> Database:
    """Connect to `url`; raises Unavailable if the database does not answer. Durability is set here."""
    if url.get_backend_name() == "sqlite":
        # No pool: `_Connections` is one.
        options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_SECONDS}, "poolclass": NullPool}
    else:
        patience = {name: value for name, value in _PATIENCE.items() if name not in url.query}
        options = {
            "connect_args": {"connect_timeout": 10, **patience},
            "pool_size": connections,
            "max_overflow": 100,
            "pool_use_lifo": True,
            "pool_pre_ping": True,
        }
    # Parameters are users' messages, states and logs: they have no place in the text of an error.
    engine = reader = create_engine(url, hide_parameters=True, **options)
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "connect", install_functions)
    else:
        reader = create_engine(url, isolation_level="AUTOCOMMIT", hide_parameters=True, **options)
        event.listen(engine, "connect", _configure_postgresql)
    try:
        engine.connect().close()
    except OperationalError as error:
        raise Unavailable(f"The database does not answer: {_first_line(error)}") from None
    return Database(engine, reader, connections)


def _first_line(error: OperationalError) -> str:
    return str(error.orig).strip().splitlines()[0]


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own guessing of where transactions begin is switched off: each statement is one, unless we say more.
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _configure_postgresql(connection: Any, _record: object) -> None:
    # A server, database or role may be set up to answer before the disk does (P1); stronger settings stay.
    connection.execute(
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    )
    connection.commit()


def _synchronize(connection: Connection, driver: Any, level: str) -> None:
    """Whether there is an fsync at the end of each transaction (FULL) or not (NORMAL), from now on."""
    if connection.info.get("synchronous") != level:
        driver.execute(f"PRAGMA synchronous={level}")
        connection.info["synchronous"] = level
