"""P2, P3, P4 under random crashes: an engine dies before or after any step, and the next one goes on."""

from collections import Counter
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from engine.fakes import SetClock
from engine.rig import LIMITS, Rig

from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import Store
from abaco.store.sql import SqlStore

pytestmark = pytest.mark.parametrize("kind", ["sqlite", "postgres"], indirect=True)

_STATEFUL = 50
_STATELESS = 120
_CALLS_A_CRASH = 40
_MOST_ENGINES = 500
# How messages are given up is tested elsewhere: here all get as many tries as it takes.
_LIMITS = replace(LIMITS, start_tries=1000, max_attempts=1000)


class Crash(BaseException):
    """The engine's process is gone: nothing in it may catch this."""


class Mortal:
    """What the engine calls: now and then it dies just before the call, or just after."""

    def __init__(self, target: Any, die: "Fate") -> None:
        self._target = target
        self._die = die

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._target, name)
        if not callable(found):
            return Mortal(found, self._die)

        def call(*arguments: Any, **named: Any) -> Any:
            self._die(f"before {name}")
            answer = found(*arguments, **named)
            self._die(f"after {name}")
            return answer

        return call


class Fate:
    def __init__(self, random: Random) -> None:
        self._random = random
        self.struck: Counter[str] = Counter()

    def __call__(self, step: str) -> None:
        if self._random.randrange(_CALLS_A_CRASH) == 0:
            self.struck[step] += 1
            raise Crash


class Walk:
    """Engines one after the other; their containers add to the state, fail to start, linger, and die with them."""

    def __init__(self, store: SqlStore, random: Random) -> None:
        self._store = store
        self._random = random
        self._clock = SetClock()
        self.fate = Fate(random)
        self.engines = 0

    def is_unfinished(self) -> bool:
        actors = ("adder", "plain")
        return any(self._store.mailbox.count(a) or self._store.actors.remaining_executions(a) for a in actors)

    def live(self) -> None:
        """The life of one engine, up to its death or the end of all work."""
        self.engines += 1
        mortal: Store = Mortal(self._store, self.fate)
        rig = Rig(mortal, self._clock, engine_id=f"engine{self.engines}", limits=_LIMITS)
        try:
            rig.reaper.begin()
            while self.is_unfinished():
                self._clock.advance(0.05)
                rig.turn(sweep=self._random.randrange(4) == 0)
                rig.pool.ready()
                assert len(rig.running_of("adder")) <= 1  # P3
                for execution_id in list(rig.pool.running):
                    self._contain(rig, execution_id)
        except Crash:
            return

    def _contain(self, rig: Rig, execution_id: str) -> None:
        """What a container may do between two turns."""
        fortune = self._random.randrange(8)
        if fortune == 0:
            rig.pool.fail_start(execution_id)
            return
        worker_id, task = rig.pool.running[execution_id]
        member = rig.crew.find(worker_id)
        assert member is not None
        if member.actor_id == "adder":
            assert self._store.state.stage(execution_id, task.attempt, [*member.claims[0].state, execution_id])
        if fortune > 2:
            rig.pool.end(execution_id, log=f"attempt {task.attempt}")


@pytest.mark.parametrize("seed", range(2))
def test_every_message_ends_once_whenever_engines_die(store: SqlStore, seed: int) -> None:
    rig = Rig(store)
    rig.ready_actor("adder", stateless=False, state=[])
    rig.ready_actor("plain")
    added = rig.post(_STATEFUL, "adder", "s")
    plain = rig.post(_STATELESS, "plain", "p")

    walk = Walk(store, Random(seed))
    while walk.is_unfinished():
        assert walk.engines < _MOST_ENGINES
        walk.live()

    assert walk.fate.struck.total() > 10
    executions = [*store.executions.of_actor("adder"), *store.executions.of_actor("plain")]
    assert [e.id for e in executions] == [*added, *plain]
    assert {e.status for e in executions} == {ExecutionStatus.COMPLETE}
    # What was recorded is the last attempt's word, once.
    logs = {e.id: store.logs.find(e.id, rig.clock.now()) for e in executions}
    assert logs == {e.id: f"attempt {e.attempts}" for e in executions}
    assert max(e.attempts for e in executions) > 1
    waiting = rig.look("adder")
    assert waiting is not None
    assert waiting.actor.state == added
