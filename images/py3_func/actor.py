"""Calls pickled Python functions and sends back what they returned: the far end of `AbacoExecutor`.

A message of the executor is `CALLS` and the pickle of (kind, function, calls): the kind of message, which goes back
with the answer; the cloudpickle of a function; and that of a list of (arguments, keyword arguments). It is binary, or
that in Base64 as a text. The answer is the cloudpickle of (kind, outcomes), an outcome being (True, what the function
returned) or (False, what it raised, its traceback). It is sent in parts, each a result that begins with `PART`.

Any other message is, as old clients send it, the cloudpickle of ``{"func": function, "args": [...], "kwargs": {...}}``.
What the function returned is the result; if it raises, the execution fails with its traceback as the log.
"""

import base64
import importlib.util
import json
import os
import pickle
import struct
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import cloudpickle

from abaco.actors import MAX_RESULT_BYTES, Context, get_binary_message, send_bytes_result, send_python_result, serve

CALLS = b"ABACO-CALLS-1\n"
QUESTION = "question"
"""The kind of a message that asks for the Python of the image, and which of the modules named by it are missing."""
PART = struct.Struct("!4s8sII")
"""``ABRP``; a number of this answer, as a lost attempt may have sent parts of its own; which part, of how many."""
PART_BYTES = MAX_RESULT_BYTES - PART.size
MAX_ANSWER_BYTES = 60 * 1024**2
"""The service keeps little more of one execution."""


def handle(context: Context) -> None:
    # A text is binary data in Base64: many such messages can be sent in one request.
    text = context.raw_message
    message = get_binary_message() if text is None else base64.b64decode(text)
    if message.startswith(CALLS):
        kind, function, calls = pickle.loads(memoryview(message)[len(CALLS) :])
        if kind == QUESTION:
            send_bytes_result(contents(pickle.loads(calls)))
        else:
            send_parts(answer(kind, outcomes(function, calls)))
    else:
        call = cloudpickle.loads(message)
        send_python_result(call["func"](*call.get("args", ()), **call.get("kwargs", {})))


def contents(modules: list[str]) -> bytes:
    missing = [name for name in modules if name not in sys.modules and importlib.util.find_spec(name) is None]
    return json.dumps({"python": sys.version_info[:2], "missing": missing}).encode()


def outcomes(function: bytes, calls: bytes) -> list[Any]:
    try:
        call, arguments = unpickled(function), cloudpickle.loads(calls)
    except BaseException as error:  # noqa: BLE001 - whatever reading a pickle raises
        return [failure(error)]  # of all calls: nobody knows here how many there are
    return [outcome(call, *each) for each in arguments]


@lru_cache(maxsize=64)
def unpickled(function: bytes) -> Callable[..., Any]:
    """Once for each container: message after message brings the same function."""
    return cloudpickle.loads(function)


def outcome(call: Callable[..., Any], arguments: Sequence[Any], named: Mapping[str, Any]) -> Any:
    try:
        return True, call(*arguments, **named)
    except BaseException as error:  # noqa: BLE001 - SystemExit and KeyboardInterrupt, too, are for the caller
        return failure(error)


def failure(error: BaseException) -> tuple[bool, BaseException, str]:
    text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
    print(text, file=sys.stderr)
    error.__traceback__ = error.__context__ = error.__cause__ = None  # may hold what cannot be pickled
    try:
        pickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever they raise
        error = RuntimeError(f"{type(error).__name__}: {error}")
    return False, error, text


def answer(kind: str, results: list[Any]) -> bytes:
    try:
        data = cloudpickle.dumps((kind, results))
    except Exception:  # noqa: BLE001 - whatever a class raises that is pickled
        refusal = failure(TypeError("what the function returned cannot be pickled"))
        data = cloudpickle.dumps((kind, [each if can_be_pickled(each) else refusal for each in results]))
    if len(data) > MAX_ANSWER_BYTES:
        text = f"what was returned has {len(data)} bytes pickled; an answer may have {MAX_ANSWER_BYTES}"
        data = cloudpickle.dumps((kind, [failure(ValueError(text))]))
    return data


def can_be_pickled(value: Any) -> bool:
    try:
        cloudpickle.dumps(value)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def send_parts(data: bytes) -> None:
    number = os.urandom(8)
    count = max(1, -(-len(data) // PART_BYTES))
    for index in range(count):
        head = PART.pack(b"ABRP", number, index, count)
        send_bytes_result(head + data[index * PART_BYTES : (index + 1) * PART_BYTES])


if __name__ == "__main__":
    serve(handle)
