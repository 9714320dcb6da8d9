"""``/profiles/v2`` and ``/v3/oauth2/profiles``: who a user is."""

from typing import Any

from litestar import Request, get
from litestar.handlers import BaseRouteHandler
from litestar.params import FromPath

from abaco.api import schemas
from abaco.api.auth import Caller
from abaco.api.documents import documented
from abaco.api.wire import Wire
from abaco.domain.user import User
from abaco.services.users import Users

__all__ = ["profile_routes"]

_ROOT = "/profiles/v2"
_TAPIS = "/v3/oauth2"
_FOUND = "User details retrieved successfully."


def _fields(user: User) -> dict[str, Any]:
    first, last = user.profile.get("first_name", ""), user.profile.get("last_name", "")
    return {
        "username": user.name,
        "email": user.profile.get("email", ""),
        "first_name": first,
        "last_name": last,
        "full_name": f"{first} {last}".strip() or user.name,
        "phone": user.profile.get("phone", ""),
        "mobile_phone": user.profile.get("mobile_phone", ""),
        "status": "",
        "uid": user.uid,
    }


def profile_routes(users: Users, caller: Caller, wire: Wire) -> list[BaseRouteHandler]:
    async def show_self(request: Request[Any, Any, Any]) -> Any:
        user = await caller.call(request, lambda who: users.profile(who, who.username))
        return wire.success(_FOUND, _fields(user))

    async def show(request: Request[Any, Any, Any], username: str) -> Any:
        user = await caller.call(request, lambda who: users.profile(who, username))
        return wire.success(_FOUND, _fields(user))

    @get(_ROOT + "/me", **documented("getProfile", "Get your own profile.", schemas.Profile))
    async def get_own(request: Request[Any, Any, Any]) -> Any:
        return await show_self(request)

    @get(_ROOT + "/{username:str}", **documented("getProfileByName", "Get a user's profile.", schemas.Profile))
    async def get_profile(request: Request[Any, Any, Any], username: FromPath[str]) -> Any:
        return await show(request, username)

    @get(_TAPIS + "/userinfo", **documented("getUserinfo", "Get your own profile, for Tapis clients.", schemas.Profile))
    async def get_userinfo(request: Request[Any, Any, Any]) -> Any:
        return await show_self(request)

    @get(
        _TAPIS + "/profiles/{username:str}",
        **documented("getTapisProfile", "Get a user's profile, for Tapis clients.", schemas.Profile),
    )
    async def get_tapis_profile(request: Request[Any, Any, Any], username: FromPath[str]) -> Any:
        return await show(request, username)

    return [get_own, get_profile, get_userinfo, get_tapis_profile]
