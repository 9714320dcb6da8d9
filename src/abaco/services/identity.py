"""Who is calling: from what a request shows to the principal it runs as."""

from abaco.domain.credentials import Anonymous, Bearer, Credentials, GatewayJwt, NonceUse, TapisToken
from abaco.domain.ids import digest
from abaco.domain.user import Principal, Role
from abaco.errors import InvalidCredentials
from abaco.ports import Clock, Store
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.nonces import NonceRedeemer
from abaco.services.oidc import Oidc
from abaco.services.tenants import Tenants
from abaco.services.vouchers import Vouchers

__all__ = ["ANONYMOUS", "Identity"]

ANONYMOUS = "anonymous"
"""Who everybody is on a server that asks for no credentials."""


class Identity:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        execution_tokens: ExecutionTokens,
        nonces: NonceRedeemer,
        vouchers: Vouchers,
        tenants: Tenants,
        oidc: Oidc | None = None,
    ) -> None:
        self._store = store
        self._nonces = nonces
        self._clock = clock
        self._execution_tokens = execution_tokens
        self._vouchers = vouchers
        self._tenants = tenants
        self._oidc = oidc

    def may_take_long(self, credentials: Credentials) -> bool:
        """Whether authenticating may have to ask a provider for its keys: nobody else should wait for that."""
        return isinstance(credentials, Bearer) and self._provider_of(credentials.token) is not None

    def _provider_of(self, token: str) -> Oidc | None:
        """Who may have given out a token that is none of ours."""
        is_jwt = token.count(".") == 2 and not self._execution_tokens.looks_like(token)
        return self._oidc if is_jwt else None

    def authenticate(self, credentials: Credentials) -> Principal:
        """Who `credentials` stand for; raises InvalidCredentials if they are unknown or expired."""
        match credentials:
            case Bearer(token):
                found = self._of_ours(token)
                if found is None and (provider := self._provider_of(token)) is not None:
                    found = provider.authenticate(token)
                if found is None:
                    raise InvalidCredentials("Invalid Credentials: the access token is unknown or has expired.")
                return found
            case TapisToken(token):
                return self._of_ours(token) or self._vouchers.of_tapis(token)
            case GatewayJwt():
                return self._vouchers.of_gateway(credentials)
            case NonceUse():
                return self._nonces.redeem(credentials)
            case Anonymous(tenant):
                return Principal(self._tenants.named(tenant).id, ANONYMOUS, frozenset({Role.ADMIN}))

    def _of_ours(self, token: str) -> Principal | None:
        """Whose token it is, if it is one that we gave out."""
        if self._execution_tokens.looks_like(token):
            return self._of_execution(token)
        user = self._store.tokens.find_user(digest(token), self._clock.now())
        return Principal(user.tenant, user.name, user.roles) if user else None

    def _of_execution(self, token: str) -> Principal:
        """An execution's token is good while that attempt runs; later word from it is refused.

        It carries the roles that its owner has among our users. Of an owner whom we know by a gateway's or a
        provider's word only, we know no more than that: then it makes an ordinary user.
        """
        claims = self._execution_tokens.read(token, self._clock.now())
        owner = self._store.users.find(claims.tenant, claims.owner)
        current = self._store.state.is_current(claims.grant.execution_id, claims.grant.attempt)
        if not current or (owner is not None and owner.is_removed):
            raise InvalidCredentials("Invalid Credentials: the execution of this access token does not run any more.")
        roles = owner.roles if owner else frozenset({Role.USER})
        return Principal(claims.tenant, claims.owner, roles, claims.grant, claims.state_only)
