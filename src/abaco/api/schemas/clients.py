"""OAuth clients."""

import msgspec
from msgspec import UNSET, Struct, UnsetType

from abaco.api.schemas.base import Camel

__all__ = ["Client", "ClientDescription", "NewClient", "Subscription", "SubscriptionDescription"]


class Href(Struct):
    href: str


class ClientLinks(Struct):
    self: Href
    subscriber: Href
    subscriptions: Href


class Client(Camel, kw_only=True):
    """An OAuth client."""

    consumer_key: str
    name: str
    description: str
    callback_url: str
    tier: str
    links: ClientLinks = msgspec.field(name="_links")


class NewClient(Client, kw_only=True):
    """A client with its secret, which is shown this once."""

    consumer_secret: str


class ClientDescription(Camel, kw_only=True):
    client_name: str
    description: str | UnsetType | None = UNSET
    tier: str | UnsetType | None = UNSET
    callback_url: str | UnsetType | None = UNSET


class Subscription(Camel, kw_only=True):
    """An API that a client may be used with."""

    api_name: str
    api_version: str
    api_provider: str


class SubscriptionDescription(Camel, kw_only=True):
    api_name: str | UnsetType | None = UNSET
    api_version: str | UnsetType | None = UNSET
    api_provider: str | UnsetType | None = UNSET
