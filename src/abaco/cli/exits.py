"""The exit codes of `abaco`: one table from error code to exit code.

    0    done
    1    failed: the server's fault, an execution or actor in ERROR, or an unexpected trouble
    2    wrong usage or input; the message says what to change
    3    no such object
    4    not permitted, or not (validly) logged in
    5    the server cannot be reached or cannot answer now
    6    the object's status forbids the operation, or the object exists already
    130  interrupted (Ctrl-C)

``abaco send --wait`` and ``abaco deploy`` end with the exit code of the execution's container.
"""

from abaco.cli.output import note
from abaco.client import Execution
from abaco.errors import (
    AbacoError,
    Conflict,
    InvalidCredentials,
    InvalidInput,
    KeyReused,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    Throttled,
    TooLarge,
    Unavailable,
)

__all__ = ["EXIT_CODES_HELP", "FAILED", "INTERRUPTED", "code_of", "exit_code"]

FAILED = 1
INTERRUPTED = 130

_EXIT_BY_CODE = {
    InvalidInput.code: 2,
    TooLarge.code: 2,
    NotFound.code: 3,
    NotPermitted.code: 4,
    NotAuthenticated.code: 4,
    InvalidCredentials.code: 4,
    Throttled.code: 5,
    Unavailable.code: 5,
    Conflict.code: 6,
    KeyReused.code: 6,
}

EXIT_CODES_HELP = (
    "Exit codes: 0 done, 1 failed, 2 wrong usage or input, 3 not found, 4 not permitted or not logged in, "
    "5 server unavailable, 6 conflict, 130 interrupted; 'send --wait' and 'deploy' exit as their execution did."
)


def exit_code(error: AbacoError) -> int:
    return _EXIT_BY_CODE.get(error.code, FAILED)


def code_of(execution: Execution) -> int:
    """The exit code of an execution that has ended: its container's, unless that is unknown or none of a process.

    Tells people why it was stopped, if it was. Raises AbacoError if it could not be run.
    """
    reason = execution.reason
    if execution.status == "ERROR":
        raise AbacoError(f"execution {execution.id} ended in ERROR: {reason or 'the server gives no reason'}")
    if reason:
        note(f"execution {execution.id}: {reason}")
    code = execution.exit_code
    return code if isinstance(code, int) and 0 <= code <= 255 else FAILED
