"""Calls pickled Python functions and sends back what they returned: the far end of `AbacoExecutor`.

A message of the executor is `CALLS` and the pickle of (kind, function, calls): the kind of message, which goes back
with the answer; the cloudpickle of a function; and that of a list of (arguments, keyword arguments). It is binary, or
that in Base64 as a text. The answer is the cloudpickle of (kind, outcomes), an outcome being (True, what the function
returned) or (False, what it raised, its traceback). It is sent in parts, each a result that begins with `PART`.

What is too large for that lies in a file of the actor: the pickle, and after it the buffers that belong to it, out of
band as pickle's protocol 5 has them. A message that begins with `SPILLED_CALLS` has (digest, lengths) instead of
function, calls or both; an answer is one result, `PART` with the mark ``ABRF`` and [digest, lengths] as JSON.

Any other message is, as old clients send it, the cloudpickle of ``{"func": function, "args": [...], "kwargs": {...}}``.
What the function returned is the result; if it raises, the execution fails with its traceback as the log.
"""

import base64
import hashlib
import importlib.util
import json
import os
import pickle
import struct
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import cloudpickle

from abaco.actors import (
    MAX_RESULT_BYTES,
    Context,
    get_binary_message,
    get_context,
    send_bytes_result,
    send_python_result,
    serve,
)

CALLS, SPILLED_CALLS = b"ABACO-CALLS-1\n", b"ABACO-CALLS-2\n"
QUESTION = "question"
"""The kind of a message that asks for the Python of the image, and which of the modules named by it are missing."""
PART = struct.Struct("!4s8sII")
"""``ABRP``; a number of this answer, as a lost attempt may have sent parts of its own; which part, of how many."""
PART_BYTES = MAX_RESULT_BYTES - PART.size
SPILLED_BYTES = 1 << 20
"""Larger answers go into a file."""
BESIDE_BYTES = 1 << 17
"""Buffers from that size on are sent from where they are; the pickle has smaller ones in it."""
PIECE_BYTES = 1 << 20
PAUSES = (0.2, 1.0, 3.0, 5.0, 10.0)
"""Seconds before a file is sent or fetched again: the service may be restarting."""
PATIENCE_SECONDS = 600.0
"""The service has the whole file on its disk before it answers."""


def handle(context: Context) -> None:
    # A text is binary data in Base64: many such messages can be sent in one request.
    text = context.raw_message
    message = get_binary_message() if text is None else base64.b64decode(text)
    if message.startswith((CALLS, SPILLED_CALLS)):
        kind, function, calls = pickle.loads(memoryview(message)[len(CALLS) :])
        if kind == QUESTION:
            send_bytes_result(contents(pickle.loads(calls)))
        else:
            answer(kind, outcomes(function, calls))
    else:
        call = cloudpickle.loads(message)
        send_python_result(call["func"](*call.get("args", ()), **call.get("kwargs", {})))


def contents(modules: list[str]) -> bytes:
    missing = [name for name in modules if name not in sys.modules and importlib.util.find_spec(name) is None]
    return json.dumps({"python": sys.version_info[:2], "missing": missing, "files": True}).encode()


def outcomes(function: Any, calls: Any) -> list[Any]:
    try:
        call, arguments = unpickled(function), value_of(calls)
    except Refused as error:
        return [failure(RuntimeError(f"the function or its arguments cannot be read: {error}"))]
    except BaseException as error:  # noqa: BLE001 - whatever reading a pickle raises
        return [failure(error)]  # of all calls: nobody knows here how many there are
    return [outcome(call, *each) for each in arguments]


@lru_cache(maxsize=64)
def unpickled(function: Any) -> Callable[..., Any]:
    """Once for each container: message after message brings the same function."""
    return value_of(function)


def value_of(packed: Any) -> Any:
    """What is in a pickle, or in the file that (digest, lengths) name."""
    if isinstance(packed, bytes):
        return cloudpickle.loads(packed)
    digest, lengths = packed
    frames = [bytearray(length) for length in lengths]
    fetch(digest, frames)
    return pickle.loads(frames[0], buffers=frames[1:])


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


# --- the answer ------------------------------------------------------------------------------------------------------


def answer(kind: str, results: list[Any]) -> None:
    try:
        pieces, buffers = pickled(kind, results)
    except Exception:  # noqa: BLE001 - whatever a class raises that is pickled
        refusal = failure(TypeError("what the function returned cannot be pickled"))
        pieces, buffers = pickled(kind, [each if can_be_pickled(each) else refusal for each in results])
    try:
        send(pieces, buffers)
    except Refused as error:
        send(*pickled(kind, [failure(ValueError(f"what was returned cannot be sent: {error}"))]))


def can_be_pickled(value: Any) -> bool:
    try:
        pickled("", value)
    except Exception:  # noqa: BLE001 - as above
        return False
    return True


def pickled(kind: str, results: Any) -> tuple[list[memoryview], list[memoryview]]:
    """The pickle of an answer, in pieces, and if it is a large one the buffers that go beside it."""
    target, buffers = Pieces(), []
    cloudpickle.Pickler(target, 5, buffer_callback=lambda buffer: is_small(buffer, buffers)).dump((kind, results))
    if buffers and size_of([*target.pieces, *buffers]) <= SPILLED_BYTES:
        return [memoryview(cloudpickle.dumps((kind, results)))], []
    return target.pieces, buffers


def send(pieces: Sequence[memoryview], buffers: Sequence[memoryview]) -> None:
    """Raises Refused."""
    if size_of([*pieces, *buffers]) <= SPILLED_BYTES:
        send_parts(b"".join(pieces))
    else:
        lengths = [size_of(pieces), *map(len, buffers)]
        digest = store([*pieces, *buffers])
        send_bytes_result(PART.pack(b"ABRF", os.urandom(8), 0, 1) + json.dumps([digest, lengths]).encode())


def size_of(pieces: Sequence[memoryview]) -> int:
    return sum(map(len, pieces))


class Pieces:
    """A file for a pickler, which hands over large bytes as they are: they are not copied either."""

    def __init__(self) -> None:
        self.pieces: list[memoryview] = []

    def write(self, data: Any) -> None:
        self.pieces.append(data.raw() if isinstance(data, pickle.PickleBuffer) else memoryview(data))


def is_small(buffer: pickle.PickleBuffer, large: list[memoryview]) -> bool:
    """Whether it goes into the pickle; else it is added to `large`."""
    try:
        view = buffer.raw()
    except BufferError:  # it is in pieces itself, of which the pickler says what is to be said
        return True
    if len(view) < BESIDE_BYTES:
        return True
    large.append(view)
    return False


def send_parts(data: bytes) -> None:
    number = os.urandom(8)
    count = max(1, -(-len(data) // PART_BYTES))
    for index in range(count):
        head = PART.pack(b"ABRP", number, index, count)
        send_bytes_result(head + data[index * PART_BYTES : (index + 1) * PART_BYTES])


# --- files -----------------------------------------------------------------------------------------------------------


class Refused(Exception):
    """The service's own words, or that it was not reached."""


class Missing(Refused):
    """There is no such file; but there may be."""


def store(pieces: Sequence[memoryview]) -> str:
    """Have the service keep `pieces`, one after the other, as a file; its digest."""
    hashed = hashlib.sha256()
    for piece in pieces:
        hashed.update(piece)
    digest = f"sha256:{hashed.hexdigest()}"
    name = f"{digest}?size={size_of(pieces)}"
    try:
        exchange("GET", name, (), lambda _: None)  # then it is there already
    except Missing:
        exchange("PUT", digest, pieces, lambda response: response.read())
    return digest


def fetch(digest: str, frames: Sequence[bytearray]) -> None:
    """Fill `frames`, one after the other, with a file that is as long."""

    def read(response: Any) -> None:
        for frame in frames:
            left = memoryview(frame)
            while left:
                size = response.readinto(left[:PIECE_BYTES])
                if not size:
                    raise ConnectionError(f"the file {digest} ended too soon")
                left = left[size:]

    exchange("GET", digest, (), read)


def exchange(method: str, digest: str, pieces: Sequence[memoryview], read: Callable[[Any], object]) -> None:
    """A request for a file of this actor, made again after network trouble; `read` is for the body of its answer."""
    for pause in (*PAUSES, None):
        try:
            status, text = exchanged(method, digest, pieces, read)
        except OSError as error:
            status, text = 503, f"{type(error).__name__}: {error}"
        if status == 200:
            return
        if status != 503 or pause is None:
            raise (Missing if status == 404 else Refused)(text)
        time.sleep(pause)


def exchanged(method: str, digest: str, pieces: Sequence[memoryview], read: Callable[[Any], object]) -> tuple[int, str]:
    # Only here: they take longer to load than all others together.
    from http.client import HTTPConnection, HTTPException, HTTPSConnection  # noqa: PLC0415
    from urllib.parse import urlsplit  # noqa: PLC0415

    context = get_context()
    url = urlsplit(context["_abaco_api_server"])
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=PATIENCE_SECONDS)
    try:
        path = f"{url.path.rstrip('/')}/actors/v2/{context.actor_id}/files/{digest}"
        connection.putrequest(method, path)
        connection.putheader("Authorization", f"Bearer {context['_abaco_access_token']}")
        if method == "PUT":
            connection.putheader("Content-Type", "application/octet-stream")
            connection.putheader("Content-Length", str(size_of(pieces)))
        connection.endheaders()
        try:
            for piece in pieces:
                for start in range(0, len(piece), PIECE_BYTES):
                    connection.send(piece[start : start + PIECE_BYTES])
        except ConnectionError:  # it may have answered before it had read all: that there is too much, perhaps
            pass
        response = connection.getresponse()
        if response.status == 200:
            read(response)
            return 200, ""
        return response.status, message_of(response.read())
    except HTTPException as error:
        raise OSError(f"{type(error).__name__}: {error}") from error
    finally:
        connection.close()


def message_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, LookupError, TypeError):
        return body[:500].decode("utf-8", "replace")


if __name__ == "__main__":
    serve(handle)
