"""Operations on users, and what they sign in with. Made by scripts/client_operations.py: change nothing here."""

from typing import Any, Unpack

from abaco.client.connection import path
from abaco.client.operations.calling import NOTHING, More, Operations
from abaco.client.reply import Replies, Reply

__all__ = ["ClientsOperations", "ProfilesOperations", "TenantsOperations", "TokensOperations"]


class ClientsOperations(Operations):
    """OAuth clients of a user, who shows name and password: ``/clients/v2``."""

    def listClients(self, **more: Unpack[More]) -> Replies:
        """List your OAuth clients."""
        return self._replies("GET", path("clients", "v2"), more)

    def createClient(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Create an OAuth client; its secret is shown this once."""
        return self._reply("POST", path("clients", "v2"), more, body)

    def getClient(self, *, clientName: str, **more: Unpack[More]) -> Reply:
        """Get one of your OAuth clients."""
        return self._reply("GET", path("clients", "v2", clientName), more)

    def deleteClient(self, *, clientName: str, **more: Unpack[More]) -> None:
        """Delete an OAuth client and end its tokens."""
        self._done("DELETE", path("clients", "v2", clientName), more)

    def listSubscriptions(self, *, clientName: str, **more: Unpack[More]) -> Replies:
        """List what a client may be used with."""
        return self._replies("GET", path("clients", "v2", clientName, "subscriptions"), more)

    def addSubscription(self, *, clientName: str, body: Any = NOTHING, **more: Unpack[More]) -> Replies:
        """Changes nothing: every client may be used with everything."""
        return self._replies("POST", path("clients", "v2", clientName, "subscriptions"), more, body)

    def deleteSubscriptions(self, *, clientName: str, **more: Unpack[More]) -> None:
        """Changes nothing: every client may be used with everything."""
        self._done("DELETE", path("clients", "v2", clientName, "subscriptions"), more)

    list = listClients
    create = createClient
    getClientByName = getClient
    delete = deleteClient
    listSubscriptionsForClient = listSubscriptions
    addSubscriptionForClient = addSubscription
    deleteSubscriptionsForClient = deleteSubscriptions


class ProfilesOperations(Operations):
    """Users, as far as others may know them: ``/profiles/v2``."""

    def getProfile(self, **more: Unpack[More]) -> Reply:
        """Get your own profile."""
        return self._reply("GET", path("profiles", "v2", "me"), more)

    def getProfileByName(self, *, username: str, **more: Unpack[More]) -> Reply:
        """Get a user's profile."""
        return self._reply("GET", path("profiles", "v2", username), more)

    def getUserinfo(self, **more: Unpack[More]) -> Reply:
        """Get your own profile, for Tapis clients."""
        return self._reply("GET", path("v3", "oauth2", "userinfo"), more)

    def getTapisProfile(self, *, username: str, **more: Unpack[More]) -> Reply:
        """Get a user's profile, for Tapis clients."""
        return self._reply("GET", path("v3", "oauth2", "profiles", username), more)

    get = getProfile
    listByUsername = getProfileByName


class TokensOperations(Operations):
    """Tokens; who asks is in the body (``client_id``, ``client_secret``): ``/token``, ``/revoke``."""

    def createToken(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Get an access token (OAuth2)."""
        return self._bare("POST", path("token"), more, body)

    def revokeToken(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Make a token worthless (RFC 7009)."""
        return self._bare("POST", path("revoke"), more, body)

    def createTapisToken(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Get tokens as Tapis gives them out."""
        return self._reply("POST", path("v3", "oauth2", "tokens"), more, body)

    def revokeTapisToken(self, *, body: Any, **more: Unpack[More]) -> None:
        """Make a token worthless; having it is enough."""
        self._done("POST", path("v3", "oauth2", "tokens", "revoke"), more, body)


class TenantsOperations(Operations):
    """Tenants, for everybody: ``/tenants``."""

    def listTenants(self, **more: Unpack[More]) -> Replies:
        """List the tenants."""
        return self._replies("GET", path("tenants"), more)

    def getTenant(self, *, tenantId: str, **more: Unpack[More]) -> Reply:
        """Get one tenant."""
        return self._reply("GET", path("tenants", tenantId), more)

    def listTapisTenants(self, **more: Unpack[More]) -> Replies:
        """List the tenants, for Tapis clients."""
        return self._replies("GET", path("v3", "tenants"), more)

    def getTapisTenant(self, *, tenantId: str, **more: Unpack[More]) -> Reply:
        """Get one tenant, for Tapis clients."""
        return self._reply("GET", path("v3", "tenants", tenantId), more)

    def listSites(self, **more: Unpack[More]) -> Replies:
        """List the one site there is: this server."""
        return self._replies("GET", path("v3", "sites"), more)
