"""The only place that wires: settings in, running roles and services out."""

import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from threading import Thread

import anyio

from abaco.api.accounts import Accounts
from abaco.api.app import Services, build_app
from abaco.api.bells import Bells
from abaco.api.server import serve_app
from abaco.domain.explanation import Places
from abaco.domain.ids import new_id
from abaco.domain.moment import utc_now
from abaco.domain.tenant import Tenant
from abaco.engine.autoscaler import Autoscaler, Capacity
from abaco.engine.crew import Crew
from abaco.engine.cron import Cron
from abaco.engine.dispatcher import Dispatcher
from abaco.engine.inbox import Inbox
from abaco.engine.loop import Alarm, Engine
from abaco.engine.outbox import Outbox
from abaco.engine.pruner import Pruner
from abaco.engine.reaper import Reaper
from abaco.errors import InvalidInput, NotFound
from abaco.keys import (
    Keys,
    encryption_keys,
    execution_secret,
    held,
    read_keys,
    vault,
    webhook_secret,
    write_encryption_keys,
)
from abaco.machine import crun_runtime
from abaco.notify.local import API, ENGINE, LocalListener, LocalNotifier
from abaco.oidc.keys import HttpKeySource
from abaco.pool.address import own_address
from abaco.pool.local import LocalPool
from abaco.ports import Clock, Emit, Notifier, Runtime, Store
from abaco.runtime.images import OciImages
from abaco.runtime.kernel import enter_private_mounts
from abaco.services.access import Access
from abaco.services.actors import Actors
from abaco.services.admin import Admin as Overviews
from abaco.services.aliases import Aliases
from abaco.services.clients import Clients
from abaco.services.configs import Configs, ConfigTexts
from abaco.services.events import Events, WebhookRules
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.executions import Executions
from abaco.services.explanations import Explanations
from abaco.services.identity import Identity
from abaco.services.images import Images
from abaco.services.key_rotation import KeyRotation
from abaco.services.mailbox import Mailbox
from abaco.services.nonces import NonceRedeemer, Nonces
from abaco.services.oidc import Oidc, Provider
from abaco.services.passwords import Passwords
from abaco.services.permissions import Permissions
from abaco.services.provider_keys import ProviderKeys
from abaco.services.schedules import Schedules
from abaco.services.search import Search
from abaco.services.state import State
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.tenants import Tenants
from abaco.services.throttle import Throttle
from abaco.services.tokens import Lifetimes, Tokens
from abaco.services.users import Users
from abaco.services.vouchers import Vouchers
from abaco.services.work import Limits, Work
from abaco.services.workers import Workers
from abaco.settings import Settings
from abaco.store.database import open_database, require_url
from abaco.store.sql import SqlStore
from abaco.telemetry import Telemetry
from abaco.webhooks.http import HttpWebhooks

__all__ = [
    "Admin",
    "build_services",
    "open_admin",
    "prepare_data",
    "run_api",
    "run_engine",
]

_SWITCH_SECONDS = 0.0005
"""How long a thread may keep the others of its process waiting: each of them lets go many times a message."""
_ENGINE_NICENESS = 2
"""The API stays responsive while containers, which inherit this, use every core."""


class SystemClock:
    """The time of day."""

    def now(self) -> datetime:
        return utc_now()


class Admin:
    """What ``abaco admin`` works with; needs no running server."""

    def __init__(self, store: SqlStore, tenants: Tenants, users: Users, images: Images, rotation: KeyRotation) -> None:
        self.store = store
        self.tenants = tenants
        self.users = users
        self.images = images
        self.rotation = rotation


def prepare_data(settings: Settings) -> None:
    """Make the data directory, for its owner's eyes only, and bring the database up to this version."""
    for directory in (settings.data, _run(settings)):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidInput(f"{directory} cannot be the server's data directory: {error.strerror}.") from None
    database = open_database(require_url(settings.database_url))
    try:
        database.migrate()
    finally:
        database.close()


@contextmanager
def open_admin(settings: Settings, *, create: bool) -> Iterator[Admin]:
    """The administrator's services; the default tenant exists.

    Without `create` the data directory must be a server's already: raises NotFound for a mistyped one.
    """
    if not (create or _run(settings).is_dir()):
        raise NotFound(f"{settings.data} is not the data directory of an Abaco server.")
    prepare_data(settings)
    store = _store(settings)
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
        yield Admin(store, tenants, users, Images(store, _image_provider(settings), SystemClock()), rotation)
    finally:
        store.close()


def build_services(
    store: Store, clock: Clock, notifier: Notifier, emit: Emit, settings: Settings, keys: Keys
) -> Services:
    """The use cases of the API on `store`."""
    access = Access(store, settings.base_url, default_token=settings.default_token)
    aliases = Aliases(store, access, clock, new_id, emit)
    check_actors = settings.config_actor_permission_check
    configs = Configs(store, access, clock, new_id, keys.vault, emit, check_actors=check_actors)
    accounts = _accounts(store, clock, settings, keys)
    nonces = NonceRedeemer(store, clock, accepted=settings.accept_nonce)
    vouchers = Vouchers(store, accounts.tenants, clock, settings.user_role)
    execution_tokens = ExecutionTokens(keys.execution_tokens)
    return Services(
        identity=Identity(
            store,
            clock,
            execution_tokens,
            nonces,
            vouchers,
            accounts.tenants,
            _oidc(store, clock, settings, accounts.tenants),
        ),
        accounts=accounts,
        actors=Actors(store, access, clock, new_id, notifier, emit, settings.max_run_seconds),
        actor_permissions=Permissions(store, lambda who, name, level: access.require(who, name, level).id),
        aliases=aliases,
        alias_permissions=Permissions(store, lambda who, name, level: aliases.require(who, name, level).id),
        nonces=Nonces(store, access, aliases, clock, keys.vault),
        configs=configs,
        config_permissions=Permissions(store, lambda who, name, level: configs.require(who, name, level).id),
        mailbox=Mailbox(store, access, clock, new_id, notifier, emit),
        executions=Executions(store, access, clock, notifier),
        explanations=Explanations(store, access, clock, Places(settings.max_workers, settings.max_workers_per_actor)),
        state=State(store, access),
        workers=Workers(store, access, notifier, emit, settings.max_workers_per_actor),
        admin=Overviews(store),
        search=Search(store, access, clock, settings.search_max_limit, default_token=settings.default_token),
        is_healthy=lambda: store.engines.any_alive(clock.now()),
    )


def _oidc(store: Store, clock: Clock, settings: Settings, tenants: Tenants) -> Oidc | None:
    """Whose keys are fetched already, so that the first requests find them."""
    if settings.oidc_issuer is None or settings.oidc_audience is None:
        return None
    keys = ProviderKeys(HttpKeySource(settings.oidc_issuer, settings.oidc_jwks_url), clock)
    Thread(target=keys.refresh, daemon=True, name="oidc-keys").start()
    tenant = settings.oidc_tenant or settings.default_tenant
    provider = Provider(
        settings.oidc_issuer, settings.oidc_audience, settings.oidc_username_claim, settings.oidc_roles_claim, tenant
    )
    return Oidc(provider, keys, store, tenants, clock)


def _accounts(store: Store, clock: Clock, settings: Settings, keys: Keys) -> Accounts:
    passwords = Passwords(store, Throttle(clock))
    lifetimes = Lifetimes(
        timedelta(seconds=settings.access_token_seconds), timedelta(seconds=settings.refresh_token_seconds)
    )
    return Accounts(
        tenants=Tenants(store, settings.default_tenant, settings.base_url),
        users=Users(store, clock),
        passwords=passwords,
        clients=Clients(store, clock),
        tokens=Tokens(store, passwords, clock, lifetimes),
        tapis_tokens=TapisTokens(keys.tapis_tokens, clock, new_id),
    )


def run_api(settings: Settings) -> None:
    """The `api` role: answer requests until a signal."""
    sys.setswitchinterval(_SWITCH_SECONDS)
    telemetry = Telemetry("api", settings.log_level)
    store = _store(settings)
    notifier, listener = LocalNotifier(_run(settings), ENGINE), LocalListener(_run(settings), API)
    services = build_services(store, SystemClock(), notifier, telemetry.emit, settings, read_keys(settings))
    bells = Bells()
    app = build_app(services, settings, telemetry.log, bells)
    try:
        anyio.run(serve_app, app, settings, bells, listener, backend_options={"use_uvloop": True})
    finally:
        listener.close()
        notifier.close()
        store.close()


def run_engine(settings: Settings) -> None:
    """The `engine` role: move messages until a signal. Must be called before any thread is started."""
    os.nice(_ENGINE_NICENESS)
    sys.setswitchinterval(_SWITCH_SECONDS)
    enter_private_mounts()
    telemetry = Telemetry("engine", settings.log_level)
    runtime = crun_runtime(settings, SystemClock())
    killed = runtime.clean()
    if killed:
        telemetry.log.warning("leftover_containers_killed", count=killed)
    store = _store(settings)
    listener = LocalListener(_run(settings), ENGINE)
    try:
        anyio.run(partial(_engine, settings, store, runtime, listener, telemetry))
    finally:
        listener.close()
        store.close()


async def _engine(
    settings: Settings, store: SqlStore, runtime: Runtime, listener: LocalListener, telemetry: Telemetry
) -> None:
    engine_id, clock, alarm, outbox_alarm, crew = new_id(), SystemClock(), Alarm(), Alarm(), Crew()
    inbox = Inbox(alarm.ring, alarm.ring_soon)
    provider = _image_provider(settings)
    pool = LocalPool(provider, runtime, inbox.put)
    tokens = ExecutionTokens(execution_secret(settings))
    images = Images(store, provider, clock)
    answers = LocalNotifier(_run(settings), API)
    configs = ConfigTexts(store, vault(settings))
    work = Work(engine_id, store, images, configs, tokens, clock, telemetry.emit, answers, _limits(settings))
    idle = settings.worker_idle_seconds, settings.sync_idle_seconds
    capacity = Capacity(settings.max_workers, settings.max_workers_per_actor, *idle)
    autoscaler = Autoscaler(engine_id, store, pool, work, crew, clock, new_id, telemetry.emit, capacity)
    dispatcher = Dispatcher(
        engine_id, store, pool, work, crew, autoscaler, inbox, clock, telemetry.emit, settings.max_workers
    )
    webhooks = HttpWebhooks(settings.webhook_timeout_seconds, private_addresses=settings.webhook_private_addresses)
    events = Events(store, clock, new_id, inbox, telemetry.emit, _webhook_rules(settings))
    host = f"{socket.gethostname()}:{settings.data}"
    engine = Engine(
        alarm,
        inbox,
        listener,
        dispatcher,
        Reaper(engine_id, host, store, work, clock, settings.lease_seconds, own_address()),
        Pruner(store, clock),
        Cron(Schedules(store, clock, new_id, inbox, telemetry.emit)),
        Outbox(events, webhooks, outbox_alarm.ring),
        outbox_alarm,
        pool,
        work,
        clock,
        telemetry.log,
        lease_seconds=settings.lease_seconds,
        drain_seconds=settings.drain_seconds,
    )
    try:
        await engine.run()
    finally:
        answers.close()
        with anyio.CancelScope(shield=True):
            await webhooks.close()


def _run(settings: Settings) -> Path:
    return settings.data / "run"


def _store(settings: Settings) -> SqlStore:
    return SqlStore(open_database(require_url(settings.database_url)), settings.search_seconds)


def _image_provider(settings: Settings) -> OciImages:
    return OciImages(settings.data / "images", settings.insecure_registries)


def _webhook_rules(settings: Settings) -> WebhookRules:
    secret = webhook_secret(settings)
    return WebhookRules(settings.webhook_tries, settings.webhook_timeout_seconds, secret, settings.base_url)


def _limits(settings: Settings) -> Limits:
    return Limits(**{name: getattr(settings, name) for name in Limits.__dataclass_fields__})
