"""The Store: every repository on one database."""

from abaco.store.actors import Actors
from abaco.store.claims import Claims
from abaco.store.database import Database
from abaco.store.executions import Executions
from abaco.store.images import Images
from abaco.store.logs import Logs, Results
from abaco.store.mailbox import Mailbox
from abaco.store.permissions import Permissions
from abaco.store.state import States
from abaco.store.tenants import Tenants
from abaco.store.users import Tokens, Users
from abaco.store.workers import Engines, Workers

__all__ = ["SqlStore"]


class SqlStore:
    def __init__(self, database: Database) -> None:
        self._database = database
        self.tenants = Tenants(database)
        self.users = Users(database)
        self.tokens = Tokens(database)
        self.permissions = Permissions(database)
        self.actors = Actors(database)
        self.mailbox = Mailbox(database)
        self.claims = Claims(database)
        self.executions = Executions(database)
        self.logs = Logs(database)
        self.results = Results(database)
        self.state = States(database)
        self.workers = Workers(database)
        self.images = Images(database)
        self.engines = Engines(database)

    def close(self) -> None:
        self._database.close()
