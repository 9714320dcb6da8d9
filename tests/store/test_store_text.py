"""Text of every kind comes back unchanged; none of it is ever SQL."""

import pytest
from store.scene import NOW, TENANT, add_actor, claim, close, new_message

from abaco.domain.message import ContentType, Payload
from abaco.ports import Store

PLANES = "".join(chr((plane << 16) + offset) for plane in range(17) for offset in (0x41, 0x3B1, 0xE00, 0xFFFD))
TEXTS = [
    PLANES,
    "\r\n\t \x7f\x85\u2028\ufeff",
    "'; DROP TABLE actors; --",
    "\"quoted\" 'quoted' `quoted` \\ \\\\ \\n",
    "%s %(name)s :name ? {0} {name} $1 %% _ *",
    "e\u0301 \u00e9 \u202e \U0001f469\u200d\U0001f52c",
    "",
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_comes_back_unchanged(store: Store, text: str) -> None:
    actor = add_actor(
        store, name=text, description=text, default_environment={text or "x": text}, state={text: [text]}, hints=(text,)
    )
    store.mailbox.add([new_message("e1", value=text, environment={"name": text})])
    claimed = claim(store)
    assert claimed is not None
    assert (claimed.actor, claimed.state) == (actor, {text: [text]})
    assert claimed.payload.value == text
    assert claimed.environment == {"name": text}
    assert close(store, claimed, text)
    assert store.logs.find("e1", NOW) == text


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1.5, 10**30, "null", "\0", [], {}, [{"a": {"b": [None, False, 1e-9]}}], {"": "", "\0'": "\0"}],
)
def test_any_json_value_is_a_message_and_a_state(store: Store, value: object) -> None:
    add_actor(store, stateless=False)
    store.state.put("actor1", value)
    store.mailbox.add([new_message("e1", payload=Payload(ContentType.JSON, value))])
    claimed = claim(store)
    assert claimed is not None
    assert repr(claimed.payload) == repr(Payload(ContentType.JSON, value))
    assert repr(claimed.state) == repr(value)


def test_a_look_up_by_a_malicious_id_finds_nothing(store: Store) -> None:
    add_actor(store)
    for text in TEXTS:
        assert store.actors.find(TENANT, text, text) is None
        assert store.executions.find(text, text) is None
        assert store.users.find(text, text) is None
