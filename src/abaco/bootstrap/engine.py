"""The `engine` role."""

import os
import socket
from datetime import timedelta
from functools import partial

import anyio

from abaco.bootstrap.keys import execution_secret, vault, webhook_secret
from abaco.bootstrap.parts import SystemClock, actor_files, open_store, run_directory, tune_interpreter
from abaco.bootstrap.runtimes import open_runtime
from abaco.domain.ids import new_id
from abaco.engine.autoscaler import Autoscaler, Capacity
from abaco.engine.crew import Crew
from abaco.engine.cron import Cron
from abaco.engine.dispatcher import Dispatcher
from abaco.engine.inbox import Inbox
from abaco.engine.loop import Alarm, Engine
from abaco.engine.outbox import Outbox
from abaco.engine.pruner import Pruner
from abaco.engine.reaper import Reaper
from abaco.notify.local import API, ENGINE, LocalListener, LocalNotifier
from abaco.pool.address import own_address
from abaco.pool.local import LocalPool
from abaco.ports import ImageProvider, Runtime
from abaco.runtime.pushed import PushedFiles
from abaco.services.configs import ConfigTexts
from abaco.services.events import Events, WebhookRules
from abaco.services.execution_tokens import ExecutionTokens
from abaco.services.images import Images
from abaco.services.schedules import Schedules
from abaco.services.work import Limits, Work
from abaco.settings import Settings
from abaco.store.sql import SqlStore
from abaco.telemetry import Telemetry
from abaco.webhooks.http import HttpWebhooks

__all__ = ["run_engine"]

_ENGINE_NICENESS = 2
"""The API stays responsive while containers, which inherit this, use every core."""


def run_engine(settings: Settings) -> None:
    """The `engine` role: move messages until a signal. Must be called before any thread is started."""
    os.nice(_ENGINE_NICENESS)
    with open_runtime(settings, SystemClock()) as (runtime, images):
        telemetry = Telemetry("engine", settings.log_level)
        killed = runtime.clean(lambda what: telemetry.log.warning("leftover_container_stuck", reason=what))
        if killed:
            telemetry.log.warning("leftover_containers_killed", count=killed)
        store = open_store(settings)
        listener = LocalListener(run_directory(settings), ENGINE)
        try:
            engine = partial(_engine, settings, store, runtime, images, listener, telemetry)
            tune_interpreter()
            anyio.run(engine, backend_options={"use_uvloop": True})
        finally:
            listener.close()
            store.close()


async def _engine(
    settings: Settings,
    store: SqlStore,
    runtime: Runtime,
    provider: ImageProvider,
    listener: LocalListener,
    telemetry: Telemetry,
) -> None:
    engine_id, clock, alarm, outbox_alarm, crew = new_id(), SystemClock(), Alarm(), Alarm(), Crew()
    inbox = Inbox(alarm.ring, alarm.ring_within)
    pool = LocalPool(provider, runtime, inbox.put)
    tokens = ExecutionTokens(execution_secret(settings))
    images = Images(store, provider, clock)
    answers = LocalNotifier(run_directory(settings), API)
    configs = ConfigTexts(store, vault(settings))
    work = Work(engine_id, store, images, configs, tokens, clock, telemetry.emit, answers, _limits(settings))
    idle = settings.worker_idle_seconds, settings.sync_idle_seconds
    capacity = Capacity(settings.all_queues, settings.max_workers_per_actor, *idle)
    autoscaler = Autoscaler(engine_id, store, pool, work, crew, clock, new_id, telemetry.emit, capacity)
    dispatcher = Dispatcher(engine_id, store, pool, work, crew, autoscaler, inbox, clock, telemetry.emit, capacity.most)
    webhooks = HttpWebhooks(settings.webhook_timeout_seconds, private_addresses=settings.webhook_private_addresses)
    events = Events(store, clock, new_id, inbox, telemetry.emit, _webhook_rules(settings))
    host = f"{socket.gethostname()}:{settings.data}"
    engine = Engine(
        alarm,
        inbox,
        listener,
        dispatcher,
        Reaper(engine_id, host, store, work, clock, settings.lease_seconds, own_address()),
        _pruner(settings, store),
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


def _pruner(settings: Settings, store: SqlStore) -> Pruner:
    files_last = timedelta(seconds=max(settings.file_ex, settings.result_ex))
    return Pruner(store, PushedFiles(settings.data / "images"), actor_files(settings), SystemClock(), files_last)


def _webhook_rules(settings: Settings) -> WebhookRules:
    secret = webhook_secret(settings)
    return WebhookRules(settings.webhook_tries, settings.webhook_timeout_seconds, secret, settings.base_url)


def _limits(settings: Settings) -> Limits:
    named = {name: getattr(settings, name) for name in Limits.__dataclass_fields__ if name != "queues"}
    return Limits(**named, queues=settings.all_queues)
