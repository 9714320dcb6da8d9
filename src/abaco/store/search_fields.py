"""Which column holds a field that users search for. A field that is not here is one that no object has."""

from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from sqlalchemy import ColumnElement, Text, bindparam, func, literal, type_coerce
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement

from abaco.domain.search import Collection
from abaco.store.columns import Unindexed
from abaco.store.tables import actors, engines, executions, logs, workers

__all__ = ["FIELDS", "NESTED_TEXTS", "TEXTS", "Field", "Kind"]


class Kind(Enum):
    """What a column holds; columns of times hold milliseconds since 1970."""

    TEXT = auto()
    NUMBER = auto()
    BOOLEAN = auto()
    TIME = auto()
    JSON = auto()


@dataclass(frozen=True, slots=True)
class Field:
    kind: Kind
    column: ColumnElement[Any]


class _BeforeColon(FunctionElement[str]):
    """What stands before the first colon of a text."""

    name = "before_colon"
    type = Text()
    inherit_cache = True


@compiles(_BeforeColon, "sqlite")
def _in_sqlite(element: _BeforeColon, compiler: Any, **options: Any) -> str:
    text = compiler.process(element.clauses, **options)
    return f"substr({text}, 1, instr({text} || ':', ':') - 1)"


@compiles(_BeforeColon, "postgresql")
def _in_postgresql(element: _BeforeColon, compiler: Any, **options: Any) -> str:
    return f"split_part({compiler.process(element.clauses, **options)}, ':', 1)"


_SELECTIVE = {"id", "actor_id", "execution_id", "exec_id"}
"""Fields that few objects have in common."""


def _fields(kind: Kind, table: Any, *names: str, **renamed: str) -> dict[str, Field]:
    """By the name on the wire; `renamed` are those whose column has another."""
    return {
        name: Field(kind, table.c[column] if name in _SELECTIVE else Unindexed(table.c[column]))
        for name, column in (*zip(names, names, strict=True), *renamed.items())
    }


_ACTOR_TEXTS = (
    *("id", "owner", "image", "name", "description", "type", "link", "webhook", "queue", "mem_limit"),
    *("cron_schedule", "tasdir", "status", "status_message"),
)
_EXECUTION_TEXTS = ("id", "actor_id", "api_server", "executor", "status", "worker_id", "image_digest")
_WORKER_TEXTS = ("id", "actor_id", "status", "image")

FIELDS: dict[Collection, dict[str, Field]] = {
    Collection.ACTORS: {
        **_fields(Kind.TEXT, actors, *_ACTOR_TEXTS),
        **_fields(Kind.NUMBER, actors, "max_workers", "max_cpus", "log_ex", "max_run_time", "uid", "gid", "revision"),
        **_fields(
            Kind.BOOLEAN,
            actors,
            *("stateless", "privileged", "use_container_uid", "run_as_executor", "cron_on"),
        ),
        "token": Field(Kind.BOOLEAN, func.coalesce(actors.c.token, bindparam("default_token"))),
        **_fields(
            Kind.TIME, actors, create_time="created_at", last_update_time="updated_at", cron_next_ex="cron_next_at"
        ),
        **_fields(Kind.JSON, actors, "default_environment", "state", "hints", "gpus"),
    },
    Collection.EXECUTIONS: {
        **_fields(Kind.TEXT, executions, *_EXECUTION_TEXTS),
        **_fields(Kind.NUMBER, executions, "runtime", "cpu", "io", "exit_code", "attempts"),
        **_fields(Kind.NUMBER, executions, "executor_uid", "executor_gid"),
        **_fields(
            Kind.TIME,
            executions,
            message_received_time="received_at",
            start_time="started_at",
            finish_time="finished_at",
            not_before="not_before",
        ),
        **_fields(Kind.JSON, executions, "final_state"),
    },
    Collection.WORKERS: {
        **_fields(Kind.TEXT, workers, *_WORKER_TEXTS),
        "ch_name": Field(Kind.TEXT, literal("worker_") + workers.c.id),
        "cid": Field(Kind.TEXT, workers.c.engine_id),
        "host_id": Field(Kind.TEXT, _BeforeColon(engines.c.host)),
        "location": Field(Kind.TEXT, literal("crun://") + _BeforeColon(engines.c.host)),
        "host_ip": Field(Kind.TEXT, engines.c.address),
        **_fields(Kind.TIME, workers, create_time="created_at", last_execution_time="last_execution_at"),
        "last_health_check_time": Field(Kind.TIME, engines.c.renewed_at),
    },
    Collection.LOGS: {
        **_fields(Kind.TEXT, logs, "actor_id", "execution_id", logs="text", exec_id="execution_id"),
    },
}

TEXTS: dict[Collection, list[ColumnElement[Any]]] = {
    Collection.EXECUTIONS: [executions.c[name] for name in _EXECUTION_TEXTS],
    Collection.WORKERS: [workers.c[name] for name in _WORKER_TEXTS],
}
"""What full-text searches look through where there is no index: these rows are short."""

NESTED_TEXTS: dict[Collection, ColumnElement[Any]] = {
    Collection.EXECUTIONS: type_coerce(executions.c.final_state, Text()),
}
"""The column whose JSON holds further texts."""
