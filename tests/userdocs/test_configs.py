"""Actor Configs."""

import ast

from userdocs.guide import Guide, assert_shape

CONFIG = {"actors": "JBExVooD31rko", "isSecret": False, "name": "config_name", "value": "123"}


def test_configs(guide: Guide) -> None:
    actor = guide.register()
    other = guide.register()
    guide.run(f'curl -H "$header" -d "alias=mr_fixer&actorId={other}" https://api.tacc.utexas.edu/actors/v2/aliases')

    made = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs \
-H "content-type: application/json" \
-d '{"name": "config_name", "value": "123", "actors": "<actor_id>", "is_secret": false }'
""",
        actor_id=actor,
    )
    read = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs/config_name
""")

    assert_shape(CONFIG, made.result)
    assert read.json["message"] == "Config retrieved successfully."
    assert_shape(CONFIG, read.result)
    assert (read.result["actors"], read.result["value"]) == (actor, "123")
    assert "_actor_configs={'config_name': '123'}\n" in guide.log(actor, guide.send(actor))

    guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs \
-H "content-type: application/json" \
-d '{"name": "config2", "value": {"key": "some_key", "int_key": 12345, "a list key": ["a",4, 3.14159]}, "actors": "<actor_id>", "is_secret": false }'
""",
        actor_id=actor,
    )
    injected = next(
        line.removeprefix("_actor_configs=")
        for line in guide.log(actor, guide.send(actor)).splitlines()
        if line.startswith("_actor_configs=")
    )
    assert ast.literal_eval(injected) == {
        "config_name": "123",
        "config2": "{'key': 'some_key', 'int_key': 12345, 'a list key': ['a', 4, 3.14159]}",
    }

    updated = guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs/config_name \
-X PUT \
-H "content-type: application/json" \
-d '{"name": "config_name", "value": "123", "actors": "<actor_id>, mr_fixer", "is_secret": false }'
""",
        actor_id=actor,
    )
    assert updated.result["actors"] == f"{actor},mr_fixer"
    assert "_actor_configs={'config_name': '123'}\n" in guide.log(other, guide.send(other))


def test_permissions_of_configs(guide: Guide) -> None:
    actor = guide.register()
    guide.run(
        """
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs \
-H "content-type: application/json" \
-d '{"name": "shared", "value": "123", "actors": "<actor_id>", "is_secret": false }'
""",
        actor_id=actor,
    )

    listed = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs/shared/permissions
""")
    # The closing quote is missing in the guide.
    granted = guide.run("""
curl -H "Authorization: Bearer $TOKEN" \
https://api.tacc.utexas.edu/actors/v2/configs/shared/permissions \
-H "content-type: application/json" \
-d '{"user": "testotheruser", "level": "UPDATE"}'
""")

    assert listed.json["message"] == "Permissions retrieved successfully."
    assert listed.result == {"testuser": "UPDATE"}
    assert granted.json["message"] == "Permission added successfully."
    assert granted.result == {"testotheruser": "UPDATE", "testuser": "UPDATE"}
