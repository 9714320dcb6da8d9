"""Actor Registration, Autoscaling, and the older pages on registering and updating reactors."""

from userdocs.guide import Guide, assert_shape

ACTOR = {
    "_links": {"executions": "", "owner": "", "self": ""},
    "createTime": "2018-07-03 22:41:29.563024",
    "defaultEnvironment": {},
    "description": "Actor that counts words.",
    "id": "O08Nzb3mRA7Bz",
    "image": "abacosamples/wc",
    "lastUpdateTime": "2018-07-03 22:41:29.563024",
    "mounts": [],
    "name": "word_counter",
    "owner": "jstubbs",
    "privileged": False,
    "state": {},
    "stateless": False,
    "status": "SUBMITTED",
    "statusMessage": "",
    "type": "none",
    "useContainerUid": False,
}


def test_registering_with_a_default_environment(guide: Guide) -> None:
    answer = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "name": "test", "description": "My test actor using the abacosamples image.", "default_environment":{"key1": "value1", "key2": "value2"} }' \
https://api.tacc.utexas.edu/actors/v2
""")

    assert_shape(ACTOR, answer.result)
    assert answer.result["defaultEnvironment"] == {"key1": "value1", "key2": "value2"}
    assert answer.result["description"] == "My test actor using the abacosamples image."
    assert answer.content_type.startswith("application/json")


def test_checking_access(guide: Guide) -> None:
    # intro-lecture: only the host was lost in that copy of the page.
    assert isinstance(
        guide.run('curl -H "Authorization: Bearer $TOKEN" https://api.tacc.utexas.edu/actors/v2').result, list
    )


def test_updating_without_and_with_force(guide: Guide) -> None:
    actor = guide.register(name="test")

    answer = guide.run(
        """
curl -X PUT -H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "name": "test", "description": "My test actor using the abacosamples image.", "default_environment":{"key1": "value1", "key2": "new_value"} }' \
https://api.tacc.utexas.edu/actors/v2/<REACTOR_ID>
""",
        REACTOR_ID=actor,
    )

    assert_shape(ACTOR, answer.result)
    assert answer.result["defaultEnvironment"] == {"key1": "value1", "key2": "new_value"}
    forced = """
curl -X PUT -H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "name": "test", "force": True, "description": "My test actor using the abacosamples image.", "default_environment":{"key1": "value1", "key2": "new_value"} }' \
https://api.tacc.utexas.edu/actors/v2/<REACTOR_ID>
"""
    # As it is printed it is not JSON.
    assert "JSON" in guide.run(forced, REACTOR_ID=actor).refusal(400)
    assert_shape(ACTOR, guide.run(forced.replace("True", "true"), REACTOR_ID=actor).result)


def test_the_sync_hint(guide: Guide) -> None:
    answer = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
-H "Content-type: application/json" \
-d '{"image": "abacosamples/wc", "hints": ["sync"]}' \
https://api.tacc.utexas.edu/actors/v2
""")

    # It has no name, and what is null is left out.
    assert_shape({key: value for key, value in ACTOR.items() if key != "name"}, answer.result)
    assert answer.result["hints"] == ["sync"]
