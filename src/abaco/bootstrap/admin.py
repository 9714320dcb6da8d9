"""What ``abaco admin`` works with."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from abaco.bootstrap.keys import (
    encryption_keys,
    held,
    vault,
    write_encryption_keys,
)
from abaco.bootstrap.parts import SystemClock, open_store, prepare_data, run_directory
from abaco.bootstrap.runtimes import open_images
from abaco.domain.tenant import Tenant
from abaco.errors import NotFound
from abaco.services.images import Images
from abaco.services.key_rotation import KeyRotation
from abaco.services.tenants import Tenants
from abaco.services.users import Users
from abaco.settings import Settings
from abaco.store.sql import SqlStore

__all__ = ["Admin", "open_admin"]


class Admin:
    """What ``abaco admin`` works with; needs no running server."""

    def __init__(self, store: SqlStore, tenants: Tenants, users: Users, images: Images, rotation: KeyRotation) -> None:
        self.store = store
        self.tenants = tenants
        self.users = users
        self.images = images
        self.rotation = rotation


@contextmanager
def open_admin(settings: Settings, *, create: bool) -> Iterator[Admin]:
    """The administrator's services; the default tenant exists.

    Without `create` the data directory must be a server's already: raises NotFound for a mistyped one.
    """
    if not (create or run_directory(settings).is_dir()):
        raise NotFound(f"{settings.data} is not the data directory of an Abaco server.")
    prepare_data(settings)
    store = open_store(settings)
    try:
        rotation = KeyRotation(
            [store.configs, store.nonces],
            vault(settings),
            partial(encryption_keys, settings),
            partial(write_encryption_keys, settings),
            partial(held, settings.data / "encryption.lock"),
        )
        tenants = Tenants(store, settings.default_tenant, settings.base_url)
        if tenants.match(settings.default_tenant) is None:
            tenants.add(Tenant(settings.default_tenant))
        users = Users(store, SystemClock())
        with open_images(settings) as provider:
            yield Admin(store, tenants, users, Images(store, provider, SystemClock()), rotation)
    finally:
        store.close()
