"""Write the client's operations, src/abaco/client/operations/{actors,accounts}.py, as an OpenAPI document has them.

    curl -s http://127.0.0.1:8000/openapi.json | .venv/bin/python scripts/client_operations.py

Names are those of the document, which are agavepy's wherever it has one, in other groups with agavepy's beside them.
tests/api/test_client_operations.py fails if the files are not those of the server.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

TARGET = Path(__file__).resolve().parent.parent / "src/abaco/client/operations"
MADE = "Made by scripts/client_operations.py: change nothing here."
OTHER_NAMES = {
    "listClients": "list",
    "createClient": "create",
    "getClient": "getClientByName",
    "deleteClient": "delete",
    "listSubscriptions": "listSubscriptionsForClient",
    "addSubscription": "addSubscriptionForClient",
    "deleteSubscriptions": "deleteSubscriptionsForClient",
    "getProfile": "get",
    "getProfileByName": "listByUsername",
}
"""Of the old clients."""
GROUPS = {
    "Actors": ("/actors/v2",),
    "Clients": ("/clients/v2",),
    "Profiles": ("/profiles/v2", "/v3/oauth2/userinfo", "/v3/oauth2/profiles"),
    "Tokens": ("/token", "/revoke", "/v3/oauth2/tokens"),
    "Tenants": ("/tenants", "/v3/tenants", "/v3/sites"),
}
"""Operations by the beginnings of their paths, none of which begins another group's longer one."""
TITLES = {
    "Actors": "Actors and all that is theirs: ``/actors/v2``.",
    "Clients": "OAuth clients of a user, who shows name and password: ``/clients/v2``.",
    "Profiles": "Users, as far as others may know them: ``/profiles/v2``.",
    "Tokens": "Tokens; who asks is in the body (``client_id``, ``client_secret``): ``/token``, ``/revoke``.",
    "Tenants": "Tenants, for everybody: ``/tenants``.",
}
FILES = {"actors.py": ("Actors",), "accounts.py": ("Clients", "Profiles", "Tokens", "Tenants")}
ABOUT = {"actors.py": "Operations on actors.", "accounts.py": "Operations on users, and what they sign in with."}


@dataclass(frozen=True)
class Operation:
    """One operation of the document."""

    name: str
    method: str
    path: str
    summary: str
    result: str
    """The method of `Operations` that makes it of the answer."""
    body: str
    """Its parameter, if there is one."""
    is_listing: bool
    takes_bytes: bool

    @property
    def parameters(self) -> list[str]:
        return [_camel(part[1:-1]) for part in self.path.split("/") if part.startswith("{")]


def modules(document: dict[str, Any]) -> dict[str, str]:
    """The text of each file by its name."""
    operations = [*_operations(document)]
    made = {group: [each for each in operations if _group(each.path) == group] for group in GROUPS}
    return {name: _formatted(_module(name, {group: made[group] for group in FILES[name]})) for name in FILES}


def _operations(document: dict[str, Any]) -> Iterator[Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            content = operation.get("requestBody", {}).get("content", {})
            queries = {each["name"] for each in operation.get("parameters", []) if each["in"] == "query"}
            yield Operation(
                name=operation["operationId"],
                method=method.upper(),
                path=path,
                summary=operation["summary"],
                result=_result(operation),
                body=_body(document, content),
                is_listing="search" in queries,
                takes_bytes=len(content) > 1 and "application/octet-stream" in content,
            )


def _result(operation: dict[str, Any]) -> str:
    content = operation["responses"]["200"]["content"]
    if "application/json" not in content:
        return "_raw"
    schema = content["application/json"]["schema"]
    properties = schema.get("properties", {})
    if "result" not in properties:
        return "_bare"
    result = properties["result"]
    alternatives = {each.get("type", "object") for each in result.get("anyOf", [result])}
    known = {"object": "_reply", "array": "_replies", "null": "_done"}
    return known[alternatives.pop()] if len(alternatives) == 1 else "_value"


def _body(document: dict[str, Any], content: dict[str, Any]) -> str:
    if not content:
        return ""
    if "application/json" not in content:
        return "body: bytes | BinaryIO"
    schema = content["application/json"]["schema"]
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    optional = schema.get("type") == "object" and not schema.get("required")
    return "body: Any = NOTHING" if optional else "body: Any"


def _group(path: str) -> str:
    (group,) = {name for name, roots in GROUPS.items() for root in roots if f"{path}/".startswith(f"{root}/")}
    return group


def _module(name: str, groups: dict[str, list[Operation]]) -> str:
    classes = "\n\n\n".join(_class(group, operations) for group, operations in groups.items())
    listed = ", ".join(f'"{group}Operations"' for group in sorted(groups))
    calling = [
        each for each in ("NOTHING", "Listing", "More", "Operations", "sending") if re.search(rf"\b{each}\b", classes)
    ]
    replies = [each for each in ("Raw", "Replies", "Reply") if re.search(rf"-> {each}:", classes)]
    mapping = "from collections.abc import Mapping\n" if "Mapping[" in classes else ""
    typing = _used(classes, "Any", "BinaryIO", "Unpack")
    return f'''"""{ABOUT[name]} {MADE}"""

{mapping}from typing import {", ".join(typing)}

from abaco.client.connection import path
from abaco.client.operations.calling import {", ".join(calling)}
from abaco.client.reply import {", ".join(replies)}

__all__ = [{listed}]


{classes}
'''


def _used(source: str, *names: str) -> list[str]:
    return [each for each in names if re.search(rf"\b{each}\b", source)]


def _class(group: str, operations: list[Operation]) -> str:
    lines = [f"class {group}Operations(Operations):", f'    """{TITLES[group]}"""']
    for operation in operations:
        lines += ["", *_method(operation)]
        if operation.takes_bytes:
            lines += ["", *_method(operation, "sendBinaryMessage", "message: bytes | BinaryIO")]
    others = [f"    {OTHER_NAMES[each.name]} = {each.name}" for each in operations if each.name in OTHER_NAMES]
    return "\n".join([*lines, *([""] if others else []), *others])


def _method(operation: Operation, name: str = "", body: str = "") -> list[str]:
    more = "Listing" if operation.is_listing else "More"
    body = body or operation.body
    parameters = [f"{each}: str" for each in operation.parameters] + ([body] if body else [])
    options = "more"
    if operation.takes_bytes:
        parameters.append("environment: Mapping[str, Any] | None = None")
        options = "sending(more, environment)"
    parts = ", ".join(
        _camel(part[1:-1]) if part.startswith("{") else f'"{part}"' for part in operation.path.split("/")[1:]
    )
    returned = {"_reply": "Reply", "_bare": "Reply", "_replies": "Replies", "_done": "None", "_raw": "Raw"}
    given = f", {body.partition(':')[0]}" if body else ""
    star = "*, " if parameters else ""
    signature = ", ".join([*parameters, f"**more: Unpack[{more}]"])
    called = f'self.{operation.result}("{operation.method}", path({parts}), {options}{given})'
    return [
        f"    def {name or operation.name}(self, {star}{signature}) -> {returned.get(operation.result, 'Any')}:",
        f'        """{operation.summary}"""',
        f"        {called}" if operation.result == "_done" else f"        return {called}",
    ]


def _camel(name: str) -> str:
    return re.sub(r"_(\w)", lambda match: match[1].upper(), name)


def _formatted(source: str) -> str:
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ruff"), "format", "--stdin-filename", str(TARGET / "x.py"), "-"],
        input=source,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    for name, text in modules(json.load(sys.stdin)).items():
        (TARGET / name).write_text(text, "utf-8")
