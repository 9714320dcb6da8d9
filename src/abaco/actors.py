"""The guest library: what an actor's own code uses inside its container.

    from abaco.actors import get_context, update_state

    context = get_context()
    print(context.raw_message, context.message_dict)
    update_state({"seen": context.execution_id})

The names, the keys of the context and the files are those of the Abaco v2 client contract (``agavepy.actors``), so an
actor written for it runs here after changing the import.

This file can be copied alone into any image with Python 3.8 or newer: it needs the standard library only (and
cloudpickle, for `send_python_result`). A container lives for one message, unless its program calls `serve`, so its
start-up is paid by every message: modules that cost milliseconds to load are imported where they are used.
"""

from __future__ import annotations

import os
import time

TYPE_CHECKING = False  # as typing's, without the cost of importing typing
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, NoReturn

__all__ = [
    "AbacoRequestError",
    "Client",
    "Context",
    "get_binary_message",
    "get_client",
    "get_context",
    "reserved_environment_vars",
    "send_bytes_result",
    "send_python_result",
    "serve",
    "update_state",
]

BINARY_MESSAGE = "/_abaco_binary_data"
"""Where a binary message lies; for every other kind of message absent, or (in a warm container) without meaning."""
BINARY_TYPE = "application/octet-stream"
"""The content type of a binary message."""
RESULTS_SOCKET = "/_abaco_results.sock"
"""The UNIX datagram socket that takes results: one datagram is one result."""
SERVE_SOCKET = "/_abaco_serve.sock"
"""The UNIX stream socket through which a warm container gets its messages; absent in every other container."""
MAX_RESULT_BYTES = 131_072
"""The largest result the service keeps."""

_CONTEXT_VARIABLES = {
    "raw_message": "MSG",
    "execution_id": "_abaco_execution_id",
    "username": "_abaco_username",
    "state": "_abaco_actor_state",
    "actor_id": "_abaco_actor_id",
    "actor_dbid": "_abaco_actor_dbid",
    "actor_name": "_abaco_actor_name",
    "actor_repo": "_abaco_container_repo",
    "worker_id": "_abaco_worker_id",
}
_CONTENT_TYPE_VARIABLES = ("_abaco_Content_Type", "_abaco_Content-Type")
"""The service sets both; older ones set one or the other."""
_OTHER_VARIABLES = (
    "_abaco_access_token",
    "_abaco_api_server",
    "_abaco_actor_revision",
    "_abaco_jwt_header_name",
    "_abaco_msg_json",
    "_actor_configs",
)


def reserved_environment_vars() -> list[str]:
    """The variables the service sets itself: a query parameter or a default of the same name has no effect."""
    return sorted({*_CONTEXT_VARIABLES.values(), *_CONTENT_TYPE_VARIABLES, *_OTHER_VARIABLES})


# --- context ---------------------------------------------------------------------------------------------------------


class Context(dict):  # type: ignore[type-arg]  # dict[str, Any] as a base class needs Python 3.9
    """A dictionary whose keys can be read as attributes too: ``context.actor_id`` is ``context["actor_id"]``."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"The context has no {name!r}.") from None

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


def get_context(environment: Mapping[str, str] | None = None) -> Context:
    """What the service tells this execution, plus every environment variable under its own name.

    ``raw_message`` (None for a binary message), ``message_dict`` (the message if it is a dictionary, else ``{}``),
    ``raw_message_parse_log`` (why it is not one), ``content_type``, ``state`` (text, not parsed: usually a Python
    literal), ``execution_id``, ``username``, ``actor_id``, ``actor_dbid``, ``actor_name``, ``actor_repo``,
    ``worker_id``.
    """
    variables = os.environ if environment is None else environment
    # The variables come first: one called `username` (anyone who may send a message can set one) must not
    # take the place of what the service says.
    context = Context(variables)
    for key, variable in _CONTEXT_VARIABLES.items():
        context[key] = variables.get(variable)
    context["content_type"] = next((variables[name] for name in _CONTENT_TYPE_VARIABLES if name in variables), None)
    context["message_dict"], context["raw_message_parse_log"] = _message_dict(variables)
    return context


def _message_dict(variables: Mapping[str, str]) -> tuple[dict[Any, Any], list[str]]:
    """The message as a dictionary, and what went wrong on the way to it.

    A JSON message arrives in MSG as a Python literal; ``_abaco_msg_json`` holds it as JSON.
    """
    log: list[str] = []
    message = variables.get("MSG")
    if message is None:
        return {}, ["There is no MSG variable."]
    candidates = (
        ("MSG as a Python literal", message, _literal),
        ("_abaco_msg_json as JSON", variables.get("_abaco_msg_json"), _json),
        ("MSG as JSON", message, _json),
    )
    for name, text, parse in candidates:
        if text is None:
            continue
        try:
            value = parse(text)
        # Deep nesting exhausts the parsers in their own ways; none of them is a reason not to run the actor.
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
            log.append(f"{name}: {error or type(error).__name__}")
            continue
        if isinstance(value, dict):
            return value, log
        log.append(f"{name}: a {type(value).__name__}, not a dict")
    return {}, log


def _literal(text: str) -> Any:
    _require_brace(text)
    import ast  # noqa: PLC0415 - 10 ms that an actor with a plain-text message does not pay

    return ast.literal_eval(text.strip())


def _json(text: str) -> Any:
    _require_brace(text)
    import json  # noqa: PLC0415 - as ast

    return json.loads(text)


def _require_brace(text: str) -> None:
    """Spares plain text the parsers, their import and their warnings on standard error."""
    if not text.lstrip().startswith("{"):
        raise ValueError("not a dict: it does not start with '{'")


# --- binary messages and results -------------------------------------------------------------------------------------


def get_binary_message(path: str = BINARY_MESSAGE) -> bytes:
    """The whole binary message; ``b""`` if it was sent empty. FileNotFoundError if the message was not binary."""
    # In a warm container the file is always there, also when it holds nothing that was sent.
    is_binary = os.environ.get(_CONTENT_TYPE_VARIABLES[0], BINARY_TYPE) == BINARY_TYPE
    if is_binary and os.path.exists(path):  # noqa: PTH110 - pathlib costs start-up time
        with open(path, "rb") as file:  # noqa: PTH123 - as above
            return file.read()
    raise FileNotFoundError(
        f"There is no {path}: this execution's message was not binary. "
        f"Send it with 'Content-Type: {BINARY_TYPE}', or read MSG instead.",
    )


def send_bytes_result(b: bytes, path: str = RESULTS_SOCKET) -> None:
    """Hand one result of at most 131,072 bytes to the service; readers get results in the order of sending."""
    if not isinstance(b, (bytes, bytearray, memoryview)):
        raise TypeError(f"A result must be bytes, not {type(b).__name__}: encode it, or use send_python_result().")
    size = memoryview(b).nbytes
    if size > MAX_RESULT_BYTES:
        raise ValueError(
            f"This result has {size} bytes; one result may have {MAX_RESULT_BYTES}. "
            "Send it in several parts, compress it, or store it elsewhere and send its address.",
        )
    import socket  # noqa: PLC0415 - as ast

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        # A datagram must fit in the sender's buffer, whose default is the host's choice.
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2 * MAX_RESULT_BYTES)
        sender.connect(path)
        sender.send(b)


def send_python_result(obj: Any, path: str = RESULTS_SOCKET) -> None:
    """Send any Python object that cloudpickle can pickle as one result."""
    import cloudpickle  # noqa: PLC0415 - the one function that needs more than the standard library

    send_bytes_result(cloudpickle.dumps(obj), path)


# --- one message after the other -------------------------------------------------------------------------------------


def serve(handler: Callable[[Context], Any], path: str = SERVE_SOCKET) -> NoReturn:
    """Let `handler` take message after message in this container, if its actor has the hint ``warm``; never returns.

    Every message is handled, and gets its exit code, as if it were alone: ``sys.exit(handler(get_context()))``. So
    None is success, a number is the exit code, and an exception is a traceback on standard error and exit code 1.
    Without the hint just that is done, once: the same program runs either way.

    ``os.environ``, and with it every function of this module, is of the message in hand; all else that the handler
    leaves behind (variables, files, threads) is still there for the next message.
    """
    import sys  # noqa: PLC0415 - as ast

    if not os.path.exists(path):  # noqa: PTH110 - pathlib costs start-up time
        sys.exit(handler(get_context()))
    import socket  # noqa: PLC0415 - as ast

    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        with connection.makefile("rb") as frames:
            _send_frame(connection, {"type": "ready"})
            for frame in iter(lambda: _next_frame(frames), None):
                os.environb.clear()
                os.environb.update({name.encode(): value.encode() for name, value in frame["environment"].items()})
                _send_frame(connection, {"type": "done", "exit_code": _exit_code(handler)})
    sys.exit(0)


def _exit_code(handler: Callable[[Context], Any]) -> int:
    """Handle one message; the exit code that a process would end with."""
    import sys  # noqa: PLC0415 - as ast

    try:
        result = handler(get_context())
    except SystemExit as leaving:
        result = leaving.code
    except BaseException:  # noqa: BLE001 - whatever it is, it is the end of this message only
        sys.excepthook(*sys.exc_info())
        result = 1
    if result is not None and not isinstance(result, int):
        print(result, file=sys.stderr)  # noqa: T201 - as sys.exit does
        result = 1
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    return (result or 0) & 0xFF


def _send_frame(connection: Any, frame: dict[str, Any]) -> None:
    import json  # noqa: PLC0415 - as ast

    data = json.dumps(frame).encode()
    connection.sendall(len(data).to_bytes(4, "big") + data)


def _next_frame(frames: Any) -> Any:
    """The next frame, or None if there will be none."""
    import json  # noqa: PLC0415 - as ast

    head = frames.read(4)
    return json.loads(frames.read(int.from_bytes(head, "big"))) if len(head) == 4 else None


# --- calls to the API ------------------------------------------------------------------------------------------------


class AbacoRequestError(Exception):
    """The API refused a request, or could not be reached (`status` 0). `message` is the API's own."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})" if status else message)
        self.status = status
        self.message = message


class Client:
    """A small client of the API that started this container.

    It connects straight to the server it was given: proxies named in the environment are ignored and redirects are
    not followed, because both could be made to carry the access token elsewhere by whoever may send a message.
    """

    def __init__(
        self,
        api_server: str,
        token: str = "",
        actor_id: str = "",
        attempts: int = 10,
        timeout_seconds: float = 30.0,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        from urllib.parse import urlsplit  # noqa: PLC0415 - as ast

        url = urlsplit(api_server)
        if url.scheme not in {"http", "https"} or not url.hostname:
            raise ValueError(
                f"The address of the API must be like https://host or http://host:port, not {api_server!r}."
            )
        self.api_server = api_server.rstrip("/")
        self.actor_id = actor_id
        self._scheme, self._host, self._port = url.scheme, url.hostname, url.port
        self._base_path = url.path.rstrip("/")
        self._token = token
        self._attempts = attempts
        self._timeout_seconds = timeout_seconds
        self._sleep = sleep

    def get_state(self) -> Any:
        """The actor's state as this execution sees it: parsed, with its own update included."""
        return self.request("GET", f"/actors/v2/{self._own_id()}/state")["state"]

    def update_state(self, state: Any) -> None:
        """Replace the actor's whole state by `state`, any JSON value. Sending it twice is the same as once."""
        self.request("POST", f"/actors/v2/{self._own_id()}/state", json=state, idempotent=True)

    def send_message(self, actor: str, message: Any) -> Any:
        """Post a message to an actor (id or alias): it sees ``str(message)`` in MSG. Returns the API's result."""
        return self.request("POST", f"/actors/v2/{actor}/messages", json={"message": message})

    def request(
        self,
        method: str,
        path: str,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> Any:
        """One call: `path` is below the API server. Returns the envelope's ``result``, or the bytes of any other body.

        `json` is sent as a JSON body unless `data` gives the body itself. The API may be restarting: refused
        connections and 503 are tried again with growing pauses, for some 20 seconds in all. A connection lost
        half-way is tried again only if the call is `idempotent` (by default every method but POST), since the
        API may have acted on it already.
        """
        return _result(*self.exchange(method, path, json, data, headers, idempotent))

    def exchange(
        self,
        method: str,
        path: str,
        json: Any = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
    ) -> tuple[int, bytes]:
        """As `request`, but the HTTP status and the body just as they came."""
        import json as json_module  # noqa: PLC0415 - as ast

        sent = {"Accept": "application/json", **(headers or {})}
        if self._token:
            sent["Authorization"] = f"Bearer {self._token}"
        if data is None and method not in {"GET", "HEAD", "DELETE"}:
            data = json_module.dumps(json, allow_nan=False).encode()
            sent["Content-Type"] = "application/json"
        repeatable = method != "POST" if idempotent is None else idempotent
        for attempt in range(self._attempts):
            is_last = attempt + 1 == self._attempts
            try:
                status, body = self._exchange(method, self._base_path + path, data, sent)
            except OSError as error:
                may_repeat = repeatable or isinstance(error, ConnectionRefusedError)
                if is_last or not may_repeat:
                    reason = str(error) or type(error).__name__
                    raise AbacoRequestError(0, f"No answer from {self.api_server}: {reason}") from error
            else:
                if status != 503 or is_last:
                    return status, body
            self._sleep(min(0.1 * 2**attempt, 5.0))
        raise ValueError("attempts must be at least 1")

    def _exchange(self, method: str, path: str, data: bytes | None, headers: dict[str, str]) -> tuple[int, bytes]:
        """One request and its answer; raises OSError if the answer does not come, or not whole."""
        if self._scheme == "http":
            address = (self._host, self._port or 80)
            return _exchange_plainly(
                address, self._timeout_seconds, _request_bytes(method, path, data, headers, address)
            )
        from http.client import HTTPException, HTTPSConnection  # noqa: PLC0415 - as ast

        connection = HTTPSConnection(self._host, self._port, timeout=self._timeout_seconds)
        try:
            connection.request(method, path, body=data, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()
        except HTTPException as error:
            raise OSError(str(error) or type(error).__name__) from error
        finally:
            connection.close()

    def _own_id(self) -> str:
        if not self.actor_id:
            raise ValueError("This client has no actor of its own: _abaco_actor_id is not set.")
        return self.actor_id


def _request_bytes(
    method: str, path: str, data: bytes | None, headers: dict[str, str], address: tuple[str, int]
) -> bytes:
    """The request as it goes over the wire. Raises ValueError for what would not stay one line."""
    host = f"[{address[0]}]" if ":" in address[0] else address[0]
    sent = {"Host": f"{host}:{address[1]}", **headers, "Content-Length": str(len(data or b""))}
    lines = [f"{method} {path} HTTP/1.0", *(f"{name}: {value}" for name, value in sent.items())]
    if any(mark in line for line in lines for mark in "\r\n\0") or " " in path:
        raise ValueError("The path may hold no white space, and no header a line break.")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (data or b"")


def _exchange_plainly(address: tuple[str, int], timeout_seconds: float, request: bytes) -> tuple[int, bytes]:
    """Without TLS, HTTP/1.0 over a socket: the answer ends where the connection does.

    ``http.client`` would double the CPU time of a small actor (it loads `email` and `ssl`: 45 ms of 97).
    """
    import socket  # noqa: PLC0415 - as ast

    with socket.create_connection(address, timeout_seconds) as connection:
        connection.sendall(request)
        answer = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, separator, body = answer.partition(b"\r\n\r\n")
    words = head.split(b"\r\n", 1)[0].split(None, 2)
    if not separator or len(words) < 2 or not words[1].isdigit():
        raise OSError("the connection was closed before the answer was complete")
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length" and value.strip() != str(len(body)).encode():
            raise OSError("the connection was closed before the answer was complete")
    return int(words[1]), body


def get_client(environment: Mapping[str, str] | None = None) -> Client:
    """A client of the API that started this container, with this execution's access token."""
    variables = os.environ if environment is None else environment
    api_server = variables.get("_abaco_api_server")
    if not api_server:
        raise RuntimeError("_abaco_api_server is not set: get_client() works inside an actor's container.")
    return Client(
        api_server,
        token=variables.get("_abaco_access_token", ""),
        actor_id=variables.get("_abaco_actor_id", ""),
    )


def update_state(state: Any) -> None:
    """Replace this actor's state by `state`, any JSON value; it takes effect when the execution ends.

    Only for stateful actors: the API refuses it for others (AbacoRequestError).
    """
    get_client().update_state(state)


def _result(status: int, body: bytes) -> Any:
    import json  # noqa: PLC0415 - as ast

    try:
        envelope = json.loads(body)
    except ValueError:
        envelope = None
    if not isinstance(envelope, dict) or not {"status", "message"} <= set(envelope):
        envelope = {"message": body[:500].decode("utf-8", "replace"), "result": body}
    if not 200 <= status < 300:
        raise AbacoRequestError(status, str(envelope["message"]))
    return envelope.get("result")
