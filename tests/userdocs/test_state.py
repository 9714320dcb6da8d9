"""Actor State."""

from userdocs.guide import Guide


def test_state(guide: Guide) -> None:
    actor = guide.run("""
curl -H "$header" \
-X POST \
-d "image=abacosamples/test&stateless=false" \
https://api.tacc.utexas.edu/actors/v2
""").result
    state = {"some variable": "value", "another variable": "value2"}

    posted = guide.run(
        """
curl -H "$header" \
-H "Content-Type: application/json" \
-d '{"some variable": "value", "another variable": "value2"}' \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/state
""",
        actor_id=actor["id"],
    )
    read = guide.run(
        """
curl -H "$header" \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/state
""",
        actor_id=actor["id"],
    )

    assert actor["stateless"] is False
    assert posted.result["state"] == state
    assert read.result == {"state": state}


def test_a_stateless_actor_has_none(guide: Guide) -> None:
    refused = guide.run(
        """
curl -H "$header" \
-H "Content-Type: application/json" \
-d '{"some variable": "value", "another variable": "value2"}' \
https://api.tacc.utexas.edu/actors/v2/<actor_id>/state
""",
        actor_id=guide.register(),
    )

    assert "stateless" in refused.refusal(404)
