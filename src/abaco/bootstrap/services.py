"""The use cases of the API."""

from datetime import timedelta
from threading import Thread

from abaco.api.accounts import Accounts
from abaco.api.app import Services
from abaco.bootstrap.keys import (
    Keys,
)
from abaco.bootstrap.parts import actor_files
from abaco.domain.actor import memory_bytes
from abaco.domain.explanation import Places
from abaco.domain.ids import new_id
from abaco.oidc.keys import HttpKeySource
from abaco.ports import Clock, Emit, ImageProvider, Notifier, Store
from abaco.runtime.pushed import PushedFiles
from abaco.services.access import Access
from abaco.services.actors import Actors
from abaco.services.admin import Admin as Overviews
from abaco.services.aliases import Aliases
from abaco.services.clients import Clients
from abaco.services.configs import Configs
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.executions import Executions
from abaco.services.explanations import Explanations
from abaco.services.files import FileLimits, Files
from abaco.services.identity import Identity
from abaco.services.mailbox import Mailbox
from abaco.services.nonces import NonceRedeemer, Nonces
from abaco.services.oidc import Oidc, Provider
from abaco.services.passwords import Passwords
from abaco.services.permissions import Permissions
from abaco.services.provider_keys import ProviderKeys
from abaco.services.pushes import Pushes, PushLimits
from abaco.services.search import Search
from abaco.services.state import State
from abaco.services.tapis_tokens import TapisTokens
from abaco.services.tenants import Tenants
from abaco.services.throttle import Throttle
from abaco.services.tokens import Lifetimes, Tokens
from abaco.services.users import Users
from abaco.services.vouchers import Vouchers
from abaco.services.workers import Workers
from abaco.settings import Settings

__all__ = ["build_services"]


def build_services(
    store: Store,
    provider: ImageProvider,
    clock: Clock,
    notifier: Notifier,
    emit: Emit,
    settings: Settings,
    keys: Keys,
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
        actors=Actors(
            store,
            access,
            clock,
            new_id,
            notifier,
            emit,
            settings.max_run_seconds,
            settings.all_queues,
            actor_files(settings),
            privileged=settings.privileged,
            homes=settings.actor_homedir,
        ),
        actor_permissions=Permissions(store, lambda who, name, level: access.require(who, name, level).id),
        aliases=aliases,
        alias_permissions=Permissions(store, lambda who, name, level: aliases.require(who, name, level).id),
        nonces=Nonces(store, access, aliases, clock, keys.vault),
        configs=configs,
        config_permissions=Permissions(store, lambda who, name, level: configs.require(who, name, level).id),
        mailbox=Mailbox(store, access, clock, new_id, notifier, emit),
        executions=Executions(store, access, clock, notifier),
        explanations=Explanations(store, access, clock, Places(settings.all_queues, settings.max_workers_per_actor)),
        state=State(store, access),
        files=_files(store, access, clock, settings),
        workers=Workers(store, access, notifier, emit, settings.max_workers_per_actor),
        admin=Overviews(store),
        pushes=_pushes(store, provider, clock, settings),
        search=Search(store, access, clock, settings.search_max_limit, default_token=settings.default_token),
        is_healthy=lambda: store.engines.any_alive(clock.now()),
    )


def _pushes(store: Store, provider: ImageProvider, clock: Clock, settings: Settings) -> Pushes:
    sizes = (settings.max_image_size, settings.max_pushed_size, settings.min_free_space)
    limits = PushLimits(*map(memory_bytes, sizes))
    return Pushes(store, provider, PushedFiles(settings.data / "images"), clock, limits)


def _files(store: Store, access: Access, clock: Clock, settings: Settings) -> Files:
    sizes = (settings.max_file_size, settings.max_files_size, settings.min_free_space)
    return Files(store, access, actor_files(settings), clock, FileLimits(*map(memory_bytes, sizes)))


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
