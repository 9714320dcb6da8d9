"""Actor Sharing and Nonces, and the aliases of Networks of Actors."""

from userdocs.guide import Guide, assert_shape

NONCE = {
    "_links": {"actor": "", "owner": "", "self": ""},
    "apiServer": "http://172.17.0.1:8000",
    "createTime": "2019-06-18 12:20:53.087704",
    "currentUses": 0,
    "description": "",
    "id": "TACC_qBMrvO6Zy0yQz",
    "lastUseTime": "None",
    "level": "READ",
    "maxUses": 5,
    "owner": "testuser",
    "remainingUses": 5,
    "roles": ["Internal/everyone"],
}
ALIAS = {
    "_links": {"actor": "", "owner": "", "self": ""},
    "actorId": "6PlMbDLa4zlON",
    "alias": "counter",
    "owner": "apitest",
}


def test_permissions(guide: Guide, jdoe: Guide) -> None:
    actor = guide.register()
    look = f'curl -H "Authorization: Bearer $TOKEN" https://api.tacc.utexas.edu/actors/v2/{actor}'
    assert "do not have access" in jdoe.run(look).refusal(400)

    granted = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-d "user=jdoe&level=READ" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/permissions
""",
        actor_id=actor,
    )
    listed = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/permissions
""",
        actor_id=actor,
    )

    assert granted.json["message"] == "Permission added successfully."
    assert granted.result == {"jdoe": "READ", "testuser": "UPDATE"}
    assert listed.json["message"] == "Permissions retrieved successfully."
    assert listed.result == granted.result
    assert jdoe.run(look).result["id"] == actor


def test_public_actors(guide: Guide, jdoe: Guide) -> None:
    actor = guide.register()

    granted = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-d "user=ABACO_WORLD&level=READ" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/permissions
""",
        actor_id=actor,
    )

    assert granted.result == {"ABACO_WORLD": "READ", "testuser": "UPDATE"}
    look = f'curl -H "Authorization: Bearer $TOKEN" https://api.tacc.utexas.edu/actors/v2/{actor}'
    assert jdoe.run(look).result["id"] == actor
    # The actor is everybody's to see: not to be in the listings of other tests.
    guide.run(f'curl -X DELETE -H "$header" https://api.tacc.utexas.edu/actors/v2/{actor}')


def test_nonces(guide: Guide) -> None:
    actor = guide.register()

    made = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-d "maxUses=5&level=READ" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/nonces
""",
        actor_id=actor,
    )

    assert made.json["message"] == "Actor nonce created successfully."
    assert_shape({**NONCE, "actorId": "rNjQG5BBJoxO1"}, made.result)
    assert (made.result["maxUses"], made.result["level"], made.result["remainingUses"]) == (5, "READ", 5)
    redeem = """
curl -X POST -d "message=<your content here>" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/messages?x-nonce=<nonce_id>
"""
    assert "sufficient" in guide.run(redeem, actor_id=actor, nonce_id=made.result["id"]).refusal(400)
    strong = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-d "maxUses=-1&level=EXECUTE" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/nonces
""",
        actor_id=actor,
    ).result
    assert strong["remainingUses"] == -1
    sent = guide.run(redeem, actor_id=actor, nonce_id=strong["id"])
    assert_shape({"_links": {"messages": "", "owner": "", "self": ""}, "executionId": "", "msg": ""}, sent.result)


def test_aliases(guide: Guide) -> None:
    actor = guide.register("abacosamples/wc")

    made = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
-d "alias=counter&actorId=<actor_id>" \
https://api.tacc.utexas.edu/actors/v2/aliases
""",
        actor_id=actor,
    )

    assert made.json["message"] == "Actor alias created successfully."
    assert_shape(ALIAS, made.result)
    looked_up = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/counter
""")
    assert looked_up.result["id"] == actor
    nonce = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
-d "maxUses=5&level=READ" \
https://api.tacc.utexas.edu/actors/v2/aliases/counter/nonces
""")
    assert_shape({**NONCE, "alias": "counter"}, nonce.result)
    by_nonce = f"curl https://api.tacc.utexas.edu/actors/v2/counter?x-nonce={nonce.result['id']}"
    assert guide.run(by_nonce).result["id"] == actor
