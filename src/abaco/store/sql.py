"""The Store: every repository on one database."""

from abaco import ports
from abaco.store.actors import Actors
from abaco.store.admin import Admin
from abaco.store.aliases import Aliases
from abaco.store.claims import Claims
from abaco.store.clients import Clients
from abaco.store.configs import Configs
from abaco.store.database import Database
from abaco.store.executions import Executions
from abaco.store.images import Images
from abaco.store.logs import Logs, Results
from abaco.store.mailbox import Mailbox
from abaco.store.nonces import Nonces
from abaco.store.outbox import Outbox
from abaco.store.permissions import Permissions
from abaco.store.schedules import Schedules
from abaco.store.search import Searches
from abaco.store.situations import Situations
from abaco.store.state import States
from abaco.store.tenants import Tenants
from abaco.store.tokens import Tokens
from abaco.store.users import Users
from abaco.store.workers import Engines, Workers

__all__ = ["SqlStore"]


class SqlStore:
    """`search_seconds` is how long a statement of a search may take."""

    def __init__(self, database: Database, search_seconds: float = 5.0) -> None:
        self._database = database
        self.tenants: ports.TenantRepository = Tenants(database)
        self.users: ports.UserRepository = Users(database)
        self.tokens: ports.TokenRepository = Tokens(database)
        self.clients: ports.ClientRepository = Clients(database)
        self.permissions: ports.PermissionRepository = Permissions(database)
        self.actors: ports.ActorRepository = Actors(database)
        self.mailbox: ports.Mailbox = Mailbox(database)
        self.claims: ports.ClaimRepository = Claims(database)
        self.executions: ports.ExecutionRepository = Executions(database)
        self.logs: ports.LogRepository = Logs(database)
        self.results: ports.ResultRepository = Results(database)
        self.state: ports.StateRepository = States(database)
        self.workers: ports.WorkerRepository = Workers(database)
        self.admin: ports.AdminRepository = Admin(database)
        self.images: ports.ImageRepository = Images(database)
        self.engines: ports.EngineRepository = Engines(database)
        self.searches: ports.SearchRepository = Searches(database, search_seconds)
        self.aliases: ports.AliasRepository = Aliases(database)
        self.nonces: ports.NonceRepository = Nonces(database)
        self.configs: ports.ConfigRepository = Configs(database)
        self.outbox: ports.OutboxRepository = Outbox(database)
        self.schedules: ports.ScheduleRepository = Schedules(database)
        self.situations: ports.SituationRepository = Situations(database)

    def close(self) -> None:
        self._database.close()
