"""State: landed, and staged under an attempt. How it lands is told in test_store_executions."""

from store.scene import NOW, TENANT, add_actor, claim, close, post

from abaco.ports import Store


def landed(store: Store, actor_id: str = "actor1") -> object:
    position = store.actors.find(TENANT, actor_id, "ada")
    assert position is not None
    return position.actor.state


def test_put_replaces_the_landed_state_of_one_actor(store: Store) -> None:
    add_actor(store, "actor1", state={"a": 1})
    add_actor(store, "actor2", state="mine")
    store.state.put("actor1", [1, 2])
    assert landed(store, "actor1") == [1, 2]
    assert landed(store, "actor2") == "mine"


def test_a_staged_state_is_the_attempts_own(store: Store) -> None:
    """P4"""
    add_actor(store, state="landed")
    post(store, "e1")
    assert claim(store)
    assert store.state.find_staged("e1", 1) is None
    assert store.state.stage("e1", 1, "first")
    assert store.state.stage("e1", 1, "second")
    assert store.state.find_staged("e1", 1) == ("second",)
    assert store.state.find_staged("e1", 2) is None
    assert landed(store) == "landed"


def test_null_is_a_state_and_differs_from_none_staged(store: Store) -> None:
    add_actor(store, state="landed")
    post(store, "e1", "e2")
    for execution_id, expected in (("e1", None), ("e2", "unset")):
        claimed = claim(store)
        assert claimed is not None
        if expected is None:
            assert store.state.stage(execution_id, 1, None)
            assert store.state.find_staged(execution_id, 1) == (None,)
        assert close(store, claimed)
        assert landed(store) is None


def test_an_execution_that_staged_nothing_leaves_the_state(store: Store) -> None:
    add_actor(store, state="landed")
    post(store, "e1")
    claimed = claim(store)
    assert claimed is not None
    store.state.put("actor1", "put meanwhile")
    assert close(store, claimed)
    assert landed(store) == "put meanwhile"


def test_a_lost_attempt_can_neither_stage_nor_land(store: Store) -> None:
    """P4"""
    add_actor(store, state="landed")
    post(store, "e1")
    lost = claim(store, engine="engine1")
    assert lost is not None
    assert store.state.stage("e1", 1, "lost")
    store.claims.reclaim("engine1", NOW, max_attempts=5)
    assert not store.state.stage("e1", 1, "late")
    current = claim(store, engine="engine2")
    assert current is not None
    assert not store.state.stage("e1", 1, "late")
    assert store.state.find_staged("e1", 2) is None
    assert close(store, current, engine="engine2")
    assert not store.state.stage("e1", 2, "too late")
    assert landed(store) == "landed"


def test_only_the_running_attempt_is_current(store: Store) -> None:
    add_actor(store)
    post(store, "e1")
    assert not store.state.is_current("e1", 0)
    claimed = claim(store)
    assert claimed is not None
    assert [store.state.is_current("e1", attempt) for attempt in (0, 1, 2)] == [False, True, False]
    assert not store.state.is_current("unknown", 1)
    assert close(store, claimed)
    assert not store.state.is_current("e1", 1)


def test_a_state_staged_before_a_failed_start_never_lands(store: Store) -> None:
    """P4: between two attempts of one execution nothing is handed on."""
    add_actor(store, state="landed")
    post(store, "e1")
    assert claim(store)
    assert store.state.stage("e1", 1, "from the first attempt")
    store.claims.requeue([])
    store.claims.reclaim("engine1", NOW, max_attempts=5)
    current = claim(store, engine="engine2")
    assert current is not None
    assert close(store, current, engine="engine2")
    assert landed(store) == "landed"
