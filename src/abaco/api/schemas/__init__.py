"""What requests and responses hold, for the OpenAPI document; one file a resource.

Requests are parsed by the contract's own rules (`params`) and responses rendered by `wire`: these types only
describe them, and the tests hold them to it.
"""

from abaco.api.schemas.actors import Actor, ActorDescription, State
from abaco.api.schemas.admin import ActorOverview, ExecutionsOverview, Utilization, WorkersOverview
from abaco.api.schemas.base import Failure
from abaco.api.schemas.clients import (
    Client,
    ClientDescription,
    NewClient,
    Subscription,
    SubscriptionDescription,
)
from abaco.api.schemas.configs import Config, ConfigDescription, ConfigUpdate
from abaco.api.schemas.executions import Execution, Explanation, Logs, Results, Summary
from abaco.api.schemas.files import File
from abaco.api.schemas.images import Blob, Blobs, Image, ImageDescription, ImageManifest, Missing
from abaco.api.schemas.messages import BatchMessage, Message, Messages, Posted, PostedBatch, Purged
from abaco.api.schemas.profiles import Profile
from abaco.api.schemas.search import Found
from abaco.api.schemas.sharing import (
    Alias,
    AliasDescription,
    AliasTarget,
    Grant,
    Nonce,
    NonceDescription,
    Permissions,
)
from abaco.api.schemas.tenants import Site, TapisTenant, Tenant
from abaco.api.schemas.tokens import (
    Granted,
    Nothing,
    OAuthFailure,
    Revocation,
    TapisGrant,
    TapisRequest,
    TapisRevocation,
    TokenRequest,
)
from abaco.api.schemas.workers import Worker, WorkerNumber

__all__ = [
    "Actor",
    "ActorDescription",
    "ActorOverview",
    "Alias",
    "AliasDescription",
    "AliasTarget",
    "BatchMessage",
    "Blob",
    "Blobs",
    "Client",
    "ClientDescription",
    "Config",
    "ConfigDescription",
    "ConfigUpdate",
    "Execution",
    "ExecutionsOverview",
    "Explanation",
    "Failure",
    "File",
    "Found",
    "Grant",
    "Granted",
    "Image",
    "ImageDescription",
    "ImageManifest",
    "Logs",
    "Message",
    "Messages",
    "Missing",
    "NewClient",
    "Nonce",
    "NonceDescription",
    "Nothing",
    "OAuthFailure",
    "Permissions",
    "Posted",
    "PostedBatch",
    "Profile",
    "Purged",
    "Results",
    "Revocation",
    "Site",
    "State",
    "Subscription",
    "SubscriptionDescription",
    "Summary",
    "TapisGrant",
    "TapisRequest",
    "TapisRevocation",
    "TapisTenant",
    "Tenant",
    "TokenRequest",
    "Utilization",
    "Worker",
    "WorkerNumber",
    "WorkersOverview",
]
