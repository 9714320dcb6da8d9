"""Cron Schedule."""

from datetime import UTC, datetime, timedelta

from userdocs.guide import Guide


def test_cron_schedules(guide: Guide) -> None:
    register = """
curl -H "Authorization: Bearer $TOKEN" \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "cronSchedule": "2020-09-28 16 + 1 hour"}' \
https://api.tacc.utexas.edu/actors/v2
"""
    update = """
curl -H "Authorization: Bearer $TOKEN" \
-X PUT \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "cronSchedule": "2020-12-11 16 + 3 days"}' \
https://api.tacc.utexas.edu/actors/v2/<actor_id>
"""
    switch_off = """
curl -H "Authorization: Bearer $TOKEN" \
-X PUT \
-H "Content-Type: application/json" \
-d '{"image": "abacosamples/test", "cronOn": "False"}' \
https://api.tacc.utexas.edu/actors/v2/<actor_id>
"""
    # The dates of the guide are over, which it says is an error that tells the time.
    assert "already passed" in guide.run(register).refusal(400)
    first, second = (datetime.now(UTC) + timedelta(days=days) for days in (30, 60))
    starts, restarts = f"{first:%Y-%m-%d} 16", f"{second:%Y-%m-%d} 16"

    actor = guide.run(register.replace("2020-09-28 16", starts)).result

    assert (actor["cronSchedule"], actor["cronOn"]) == (f"{starts} + 1 hour", True)
    assert actor["cronNextEx"]
    assert "already passed" in guide.run(update, actor_id=actor["id"]).refusal(400)
    changed = guide.run(update.replace("2020-12-11 16", restarts), actor_id=actor["id"]).result
    assert changed["cronSchedule"] == f"{restarts} + 3 days"
    switched = guide.run(switch_off, actor_id=actor["id"]).result
    assert (switched["cronOn"], switched["cronSchedule"]) == (False, f"{restarts} + 3 days")
