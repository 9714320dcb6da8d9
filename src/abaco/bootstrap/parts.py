"""What all roles and the administrator have."""

import gc
import sys
from datetime import datetime
from pathlib import Path
from urllib.parse import quote_plus

from abaco.domain.moment import utc_now
from abaco.errors import InvalidInput
from abaco.runtime.actor_files import FilesOnDisk
from abaco.runtime.kernel import use_large_pages
from abaco.settings import Settings
from abaco.store.database import open_database, require_url
from abaco.store.sql import SqlStore

__all__ = ["SystemClock", "actor_files", "open_store", "prepare_data", "run_directory", "shown_url", "tune_interpreter"]

_MASK = "***"
_SWITCH_SECONDS = 0.0005
"""How long a thread may keep the others of its process waiting: each of them lets go many times a message."""
_YOUNG_OBJECTS = 5000
"""How many new objects make Python look for cycles. Requests under way are many more than its own 700, so that it
would look at them again and again."""


def tune_interpreter() -> None:
    """For a role that is about to begin: what was loaded so far stays, and is not looked at for cycles again.

    Together with a longer time between two looks, this makes a post cost a third less time on the API's one thread.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    gc.collect()
    gc.freeze()
    use_large_pages()
    gc.set_threshold(_YOUNG_OBJECTS, *gc.get_threshold()[1:])


class SystemClock:
    """The time of day."""

    def now(self) -> datetime:
        return utc_now()


def prepare_data(settings: Settings) -> None:
    """Make the data directory, for its owner's eyes only, and bring the database up to this version."""
    for directory in (settings.data, run_directory(settings)):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"{directory} cannot be the server's data directory: {error.strerror}.") from None
    _close_to_others(settings)
    database = open_database(require_url(settings.database_url))
    try:
        database.migrate()
    finally:
        database.close()


def _close_to_others(settings: Settings) -> None:
    """A directory that was there before may be open to everybody on the machine: what is in it is not theirs."""
    images = settings.data / "images"
    images.mkdir(exist_ok=True)
    images.chmod(0o700)
    url = require_url(settings.database_url)
    if url.get_backend_name() == "sqlite" and url.database:
        file = Path(url.database)  # the modes of SQLite's other files are this one's
        file.touch(mode=0o600)
        file.chmod(0o600)


def shown_url(text: str) -> str:
    """A database URL for people's eyes: passwords in it stay secret, also those among its parameters."""
    try:
        url = require_url(text)
    except InvalidInput:
        return _MASK  # nobody knows what is a password in it
    masked = {name: _MASK for name in url.query if "password" in name}
    as_given = url.set(drivername=text.partition(":")[0]).update_query_dict(masked)
    # The mask is to be read as such, also where it is spelled for a URL.
    return as_given.render_as_string(hide_password=True).replace(quote_plus(_MASK), _MASK)


def run_directory(settings: Settings) -> Path:
    return settings.data / "run"


def actor_files(settings: Settings) -> FilesOnDisk:
    return FilesOnDisk(settings.data / "files")


def open_store(settings: Settings) -> SqlStore:
    return SqlStore(open_database(require_url(settings.database_url)), settings.search_seconds)
