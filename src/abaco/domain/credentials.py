"""What a request shows to say who sends it; `services.identity` turns it into a `Principal`."""

from dataclasses import dataclass

from abaco.domain.permission import Level

__all__ = ["Anonymous", "Bearer", "Credentials", "GatewayJwt", "NonceUse", "TapisToken"]


@dataclass(frozen=True, slots=True)
class Bearer:
    """The token of ``Authorization: Bearer``: ours, an execution's, or an OIDC provider's."""

    token: str


@dataclass(frozen=True, slots=True)
class GatewayJwt:
    """A JWT in ``X-Jwt-Assertion-TENANT``: `tenant` comes from the header's name, `header` is that name."""

    tenant: str
    token: str
    header: str


@dataclass(frozen=True, slots=True)
class TapisToken:
    """The JWT of ``X-Tapis-Token``; it names its tenant itself."""

    token: str


@dataclass(frozen=True, slots=True)
class NonceUse:
    """A nonce, and what it is used for: `identifier` stands in the URL, `level` is what the request needs.

    `on_alias` says that the URL names an alias as such (``/actors/aliases/NAME``), `times` how often it is used.
    """

    nonce_id: str
    identifier: str
    level: Level
    on_alias: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class Anonymous:
    """No credentials, on a server that asks for none; `tenant` is the header of that name, if any."""

    tenant: str | None


Credentials = Bearer | GatewayJwt | TapisToken | NonceUse | Anonymous
