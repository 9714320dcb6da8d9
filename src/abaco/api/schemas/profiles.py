"""Profiles of users."""

from msgspec import Struct

__all__ = ["Profile"]


class Profile(Struct):
    """A user as others of the tenant see them; spelled alike on every surface."""

    username: str
    email: str
    first_name: str
    last_name: str
    full_name: str
    phone: str
    mobile_phone: str
    status: str
    uid: int | None
