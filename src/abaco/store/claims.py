"""Leases on messages. The SQL here keeps P2 and P3: read the docstrings of `ports.ClaimRepository` beside it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    exists,
    func,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.exc import IntegrityError

from abaco.domain.actor import Actor
from abaco.domain.execution import Claim
from abaco.domain.lifecycle import ActorStatus, ExecutionStatus, WorkerStatus
from abaco.domain.message import ContentType, Payload
from abaco.ports import ClaimRequest, Requeue, Waiting
from abaco.store.database import Database
from abaco.store.endings import delete_messages, end_unrun, forget_attempts
from abaco.store.rows import ACTOR_COLUMNS, to_actor
from abaco.store.statement import Statement
from abaco.store.tables import Moment, actors, executions, messages, workers
from abaco.store.workers import free

__all__ = ["Claims"]

_UNLEASED = messages.c.engine_id.is_(None)
# The number is given out again. It fences as before: of an attempt that was not begun no word can come late, and those
# that were begun have lower ones for ever. Who is to be halted keeps it: the engine asks about halts when it claims
# what was claimed before.
_UNCOUNTED = {"attempts": executions.c.attempts - case((executions.c.halt_requested, 0), else_=1)}
_NO_LEASE = {"engine_id": None, "worker_id": None, "exclusive_actor_id": None}


class Claims:
    def __init__(self, database: Database) -> None:
        self._database = database

    def claim(self, engine_id: str, requests: Sequence[ClaimRequest], now: datetime) -> list[Claim]:
        # A claim that a power cut undoes was made by an engine that is gone with it: the message waits again.
        with self._database.write(lasting=False) as connection:
            # Every engine goes by actors in the same order, so that rivals never wait for each other in a circle.
            ordered = sorted(requests, key=lambda request: request.actor_id)
            # An actor may have become stateful, have got a new revision, or have failed since the engine looked.
            owners = _actors(connection, {request.actor_id for request in ordered})
            known = [
                replace(one, exclusive=one.exclusive or not owner.stateless)
                for one in ordered
                if (owner := owners.get(one.actor_id)) and _may_run(owner) and one.revision in {None, owner.revision}
            ]
            leased = [(request, _lease(connection, engine_id, request, now)) for request in known]
            found = [(request, rows) for request, rows in leased if rows]
            # Read once more after the lease was taken: only then is the state that of all earlier executions.
            owners |= _actors(connection, {request.actor_id for request, _ in found if request.exclusive})
            return [
                claim
                for request, rows in found
                for claim in _begin(connection, owners[request.actor_id], request, rows, now)
            ]

    def requeue(self, requeues: Sequence[Requeue]) -> None:
        with self._database.write() as connection:
            for requeue in sorted(requeues, key=lambda requeue: requeue.execution_id):
                current = and_(
                    executions.c.id == requeue.execution_id,
                    executions.c.attempts == requeue.attempt,
                    executions.c.status == ExecutionStatus.RUNNING,
                )
                worker_id = select(executions.c.worker_id).where(current).with_for_update()
                row = connection.execute(worker_id).one_or_none()
                if row is not None:
                    connection.execute(_back_to_submitted(current, **({} if requeue.is_begun else _UNCOUNTED)))
                    _release(connection, [requeue.execution_id], requeue.not_before, requeue.reason)
                    free(connection, [row.worker_id])

    def waiting(self, actor_ids: Iterable[str] | None, now: datetime, cap: int) -> list[Waiting]:
        asked: dict[str, Any] = {"now": now, "cap": cap}
        statement = _WAITING_ANYWHERE
        if actor_ids is not None:
            statement, asked["actors"] = _WAITING, list(actor_ids)
        with self._database.read() as connection:
            rows = statement.all(connection, asked)
        return [Waiting(to_actor(row), row[-1], row[-2]) for row in rows]

    def fallen_due(self, since: datetime, now: datetime) -> tuple[set[str], datetime | None]:
        with self._database.read() as connection:
            fallen = {row.actor_id for row in _FALLEN_DUE.all(connection, {"since": since, "now": now})}
            following = _NEXT_DUE.first(connection, {"now": now})
        return fallen, following and following.not_before

    def reclaim(self, engine_id: str, now: datetime, max_attempts: int | None) -> list[str]:
        leased = select(messages.c.execution_id).where(messages.c.engine_id == engine_id)
        # In the order in which `close` and others lock them; what is still leased after the wait is read then.
        lock = select(executions.c.id).where(executions.c.id.in_(leased)).order_by(executions.c.id).with_for_update()
        query = (
            select(executions.c.id, executions.c.attempts)
            .join_from(messages, executions, messages.c.execution_id == executions.c.id)
            .where(messages.c.engine_id == engine_id)
            .order_by(messages.c.seq)
        )
        with self._database.write() as connection:
            connection.execute(lock).all()
            attempts = {row.id: row.attempts for row in connection.execute(query)}
            forget_attempts(connection, list(attempts))
            hopeless = [id_ for id_, count in attempts.items() if max_attempts is not None and count >= max_attempts]
            self._give_up(connection, hopeless, now)
            returned = [id_ for id_ in attempts if id_ not in set(hopeless)]
            connection.execute(_back_to_submitted(executions.c.id.in_(returned)))
            _release(connection, returned)
        return list(attempts)

    @staticmethod
    def _give_up(connection: Connection, ids: Sequence[str], now: datetime) -> None:
        delete_messages(connection, messages.c.execution_id.in_(ids))
        reason = "Given up: time and again the service died while this message was being executed."
        end_unrun(connection, ids, reason, now)


def _lease(connection: Connection, engine_id: str, request: ClaimRequest, now: datetime) -> Sequence[Any]:
    """Lease the next messages that the request may have; their rows, in order."""
    asked = {
        "actor": request.actor_id,
        "now": now,
        "engine": engine_id,
        "worker": request.worker_id,
        "exclusive": request.actor_id if request.exclusive else None,
    }
    if not request.exclusive:
        rows = _LEASE_FIRST.all(connection, {**asked, "count": request.count})
        return sorted(rows, key=lambda row: int(row.seq))
    try:
        with connection.begin_nested():
            return _LEASE_HEAD.all(connection, asked)
    except IntegrityError:
        # Of two concurrent posts the one numbered first may become visible last, when the other is leased already.
        return ()


def _lease_statement(chosen: ColumnElement[bool], count: Any) -> Statement:
    first = select(messages.c.seq).where(chosen, _UNLEASED, _DUE).order_by(messages.c.seq).limit(count)
    # What a rival has locked is his: nobody waits for it. A CTE, since PostgreSQL may run a subquery several times,
    # each time for as many as the limit says.
    chosen_ones = first.with_for_update(skip_locked=True).cte("chosen")
    return Statement(
        update(messages)
        .where(messages.c.seq.in_(select(chosen_ones.c.seq)))
        .values(
            engine_id=bindparam("engine"),
            worker_id=bindparam("worker"),
            exclusive_actor_id=bindparam("exclusive"),
        )
        .returning(messages)
    )


# The statements of claiming are built once: it happens for every execution, with the database locked (SQLite), and
# building a statement costs more than running it.
_MINE = messages.c.actor_id == bindparam("actor")
_DUE = or_(messages.c.not_before.is_(None), messages.c.not_before <= bindparam("now", type_=Moment()))
_LEASE_FIRST = _lease_statement(_MINE, bindparam("count", type_=Integer()))
# The first in the line, leased or not: if it is leased, or waits to be tried again, nobody overtakes it (P3). What its
# sender delayed, while the actor was stateless, is in the line once it is due.
_HEAD = select(messages.c.seq).where(_MINE, or_(_DUE, messages.c.retry_reason.is_not(None)))
# From that time other workers may hold messages, too: leases that `exclusive_actor_id` says nothing of. Looked for by
# the actor's workers, mostly none: a look at its messages would be one at all that wait.
_HELD = messages.alias("held")
_HELD_BY_OTHERS = exists().where(
    workers.c.actor_id == bindparam("actor"),
    workers.c.id != bindparam("worker"),
    _HELD.c.engine_id == workers.c.engine_id,
    _HELD.c.worker_id == workers.c.id,
)
_LEASE_HEAD = _lease_statement(
    and_(messages.c.seq == _HEAD.order_by(messages.c.seq).limit(1).scalar_subquery(), ~_HELD_BY_OTHERS), 1
)
_START = Statement(
    update(executions)
    .where(executions.c.id.in_(bindparam("executions", expanding=True)))
    .values(
        status=ExecutionStatus.RUNNING,
        attempts=executions.c.attempts + 1,
        worker_id=bindparam("worker"),
        claimed_at=bindparam("now"),
        started_at=bindparam("now"),
        image_digest=bindparam("digest"),
    )
    .returning(
        executions.c.id,
        executions.c.attempts,
        executions.c.executor,
        executions.c.executor_uid,
        executions.c.executor_gid,
    )
)
_OCCUPY = Statement(
    update(workers)
    .where(workers.c.id == bindparam("worker"))
    .values(
        # Asked to stop a moment ago, it takes this message still.
        status=case((workers.c.status == WorkerStatus.SHUTDOWN_REQUESTED, workers.c.status), else_=WorkerStatus.BUSY),
        last_execution_at=bindparam("now"),
    )
)


def _waiting_statement(which: ColumnElement[bool]) -> Statement:
    waiting = (
        select(messages.c.seq)
        .where(messages.c.actor_id == actors.c.id, _UNLEASED, _DUE)
        .limit(bindparam("cap", type_=Integer()))
        .correlate(actors)
        .subquery()
    )
    count = select(func.count()).select_from(waiting).scalar_subquery()
    return Statement(select(*ACTOR_COLUMNS, actors.c.requested_workers, count).where(which).order_by(actors.c.seq))


_NAMED = actors.c.id.in_(bindparam("actors", expanding=True))
_ACTORS = Statement(select(*ACTOR_COLUMNS).where(_NAMED))
# Their index holds only messages that have a moment.
_FALLEN_DUE = Statement(
    select(messages.c.actor_id)
    .where(
        _UNLEASED,
        messages.c.not_before > bindparam("since", type_=Moment()),
        messages.c.not_before <= bindparam("now", type_=Moment()),
    )
    .distinct()
)
_NEXT_DUE = Statement(
    select(messages.c.not_before)
    .where(_UNLEASED, messages.c.not_before > bindparam("now", type_=Moment()))
    .order_by(messages.c.not_before)
    .limit(1)
)
_WAITING = _waiting_statement(_NAMED)
_WAITING_ANYWHERE = _waiting_statement(
    actors.c.id.in_(
        union(
            select(messages.c.actor_id).where(_UNLEASED),
            select(actors.c.id).where(actors.c.status.in_([ActorStatus.SUBMITTED, ActorStatus.SHUTTING_DOWN])),
            select(actors.c.id).where(actors.c.requested_workers > 0),
        )
    )
)


def _may_run(actor: Actor) -> bool:
    return actor.status not in {ActorStatus.ERROR, ActorStatus.SHUTTING_DOWN}


def _actors(connection: Connection, ids: set[str]) -> dict[str, Actor]:
    if not ids:
        return {}
    rows = _ACTORS.all(connection, {"actors": list(ids)})
    return {actor.id: actor for actor in map(to_actor, rows)}


def _begin(
    connection: Connection, actor: Actor, request: ClaimRequest, leased: Sequence[Any], now: datetime
) -> Iterator[Claim]:
    """Move the leased messages' executions to RUNNING and their worker to BUSY."""
    started = {
        "executions": [message.execution_id for message in leased],
        "worker": request.worker_id,
        "now": now,
        "digest": request.image_digest,
    }
    begun = {row.id: row for row in _START.all(connection, started)}
    _OCCUPY.run(connection, {"worker": request.worker_id, "now": now})
    for message in leased:
        execution = begun[message.execution_id]
        uid, gid = execution.executor_uid, execution.executor_gid
        yield Claim(
            execution_id=message.execution_id,
            attempt=execution.attempts,
            worker_id=request.worker_id,
            actor=actor,
            state=actor.state,
            payload=Payload(ContentType(message.content_type), message.value, message.size),
            executor=execution.executor,
            revision=message.revision,
            executor_ids=None if uid is None else (uid, gid or 0),
            environment=message.environment,
            jwt_header=message.jwt_header,
            max_run_time=message.max_run_time,
        )


def _back_to_submitted(which: ColumnElement[bool], **more: Any) -> Any:
    nowhere = {"worker_id": None, "claimed_at": None, "started_at": None}
    return update(executions).where(which).values(status=ExecutionStatus.SUBMITTED, **nowhere, **more)


def _release(
    connection: Connection, ids: Sequence[str], not_before: datetime | None = None, reason: str | None = None
) -> None:
    freed = update(messages).where(messages.c.execution_id.in_(ids))
    connection.execute(freed.values(**_NO_LEASE, not_before=not_before, retry_reason=reason))
