"""Sessions that agavepy, tapispy and TACC's command lines have cached, so that their users need not sign in anew.

They write ``~/.agave/current`` (or below ``$AGAVE_CACHE_DIR``), one session or a list of them, agavepy also
``~/.agave/config.json`` and, formerly, ``~/.agpy``. All hold the same things under slightly different names.
"""

import json
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from abaco.client.answer import json_object
from abaco.client.sign_in import Grant, granted_by
from abaco.errors import ERROR_CODE_HEADER, InvalidCredentials, from_response

__all__ = ["Session", "read"]

_NAMES = {
    "baseurl": "api_server",
    "access_token": "token",
    "apikey": "api_key",
    "apisecret": "api_secret",
}
"""What the older of the two forms calls it, and what the newer."""


class Session:
    """A cached session, and a source of tokens if it holds what is needed to refresh them (`can_refresh`).

    `files` may hold it, the one it was read from first. `now` is the time in seconds since 1970.
    """

    def __init__(self, files: list[Path], fields: dict[str, Any], now: Callable[[], float]) -> None:
        self._files = files
        self._fields = {_NAMES.get(name, name): value for name, value in fields.items() if _is_said(value)}
        self._now = now

    def __repr__(self) -> str:
        return f"Session(server={self.server!r})"

    @property
    def server(self) -> str:
        return self._text("api_server").strip().rstrip("/")

    @property
    def token(self) -> str | None:
        return self._text("token") or None

    @property
    def can_refresh(self) -> bool:
        return all(self._text(name) for name in ("refresh_token", "api_key", "api_secret"))

    @property
    def expires_in(self) -> float:
        """Seconds from now; infinite if the cache does not say."""
        try:
            return float(self._fields["created_at"]) + float(self._fields["expires_in"]) - self._now()
        except (KeyError, TypeError, ValueError):
            return math.inf

    def request(self) -> httpx.Request:
        body = {"grant_type": "refresh_token", "refresh_token": self._text("refresh_token"), "scope": "PRODUCTION"}
        basic = httpx.BasicAuth(self._text("api_key"), self._text("api_secret"))
        return next(basic.sync_auth_flow(httpx.Request("POST", f"{self.server}/token", data=body)))

    def granted(self, response: httpx.Response) -> Grant:
        """The new token, once it and its refresh token are in the caches: the former ones are worthless now.

        Raises InvalidCredentials if the session has ended.
        """
        answer = json_object(response) or {}
        if not response.is_success:
            raise self._refused(response, answer)
        grant = granted_by(answer)
        former, now = self._text("refresh_token"), int(self._now())
        tokens = {
            "refresh_token": answer.get("refresh_token", former),
            "created_at": now,
            "expires_in": int(grant.expires_in),
            "expires_at": time.ctime(now + grant.expires_in),
        }
        self._fields |= tokens
        for file in self._files:
            _renew(file, former, grant.access_token, tokens)
        return grant

    def _refused(self, response: httpx.Response, answer: dict[str, Any]) -> Exception:
        said = str(answer.get("error_description") or f"HTTP {response.status_code}")
        error = from_response(response.headers.get(ERROR_CODE_HEADER), response.status_code, said)
        if answer.get("error") in {"invalid_grant", "invalid_client"} or isinstance(error, InvalidCredentials):
            return InvalidCredentials(f"the session in {self._files[0]} has ended ({said}): sign in again.")
        return error

    def _text(self, name: str) -> str:
        value = self._fields.get(name)
        return value if isinstance(value, str) else ""


def read(server: str | None, now: Callable[[], float] = time.time) -> Session | None:
    """The first cached session for `server` (None: for any), or None. Files that cannot be read hold none."""
    wanted = None if server is None else server.strip().rstrip("/")
    caches = _caches()
    sessions = (
        Session(sorted(caches, key=lambda each: each != file), fields, now)
        for file in caches
        for fields in _objects(_load(file))
    )
    usable = (each for each in sessions if each.server and (each.token or each.can_refresh))
    return next((each for each in usable if wanted in {None, each.server}), None)


def _caches() -> list[Path]:
    folder = Path(os.environ.get("AGAVE_CACHE_DIR") or Path.home() / ".agave")
    return [folder / "current", folder / "config.json", Path.home() / ".agpy"]


def _load(file: Path) -> Any:
    try:
        return json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _objects(content: Any) -> Iterator[dict[str, Any]]:
    """`content` and what is in it, as far as it is JSON objects, outer ones first."""
    if isinstance(content, dict):
        yield content
        content = [*content.values()]
    if isinstance(content, list):
        for each in content:
            yield from _objects(each)


def _is_said(value: Any) -> bool:
    return value not in (None, "")


def _renew(file: Path, former: str, token: str, others: dict[str, Any]) -> None:
    """Write the new tokens wherever `file` has the `former` refresh token; nothing happens if that fails."""
    content = _load(file)
    outdated = [each for each in _objects(content) if each.get("refresh_token") == former]
    for each in outdated:
        each.update(others, **{"token" if "token" in each else "access_token": token})
    if outdated:
        _write(file.resolve(), content)


def _write(file: Path, content: Any) -> None:
    new = file.with_name(f"{file.name}.{os.getpid()}.new")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            json.dump(content, out)
        new.replace(file)
    except OSError:
        new.unlink(missing_ok=True)  # the token at hand is good all the same
