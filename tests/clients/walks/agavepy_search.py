"""Search: of executions by the client's arguments `search` and `query`, elsewhere by its `geturl`.

`list` takes `search` too, but makes nothing useful of the answer: it expects an array.
"""

from urllib.parse import urlencode

from session import API_SERVER, sign_in, wait

ag = sign_in()
first = ag.actors.add(body={"image": "abacosamples/test", "name": "first", "default_environment": {"SLEEP": "0"}})["id"]
second = ag.actors.add(body={"image": "abacosamples/wc", "name": "second"})["id"]
executions = [ag.actors.sendMessage(actorId=second, body={"message": "one two"})["executionId"] for _ in range(3)]
for execution_id in executions:
    wait(ag, second, execution_id)


def search(collection, **conditions):
    return ag.geturl(f"{API_SERVER}/actors/v2/search/{collection}?" + urlencode(conditions)).json()["result"]


found = search("actors", image="abacosamples/wc")
assert [actor["id"] for actor in found["search"]] == [second]
assert found["_metadata"] == {"countReturned": 1, "recordLimit": 100, "recordsSkipped": 0, "totalCount": 1}
found = search("actors", **{"image.like": "abacosamples", "name.in": '["first", "second"]'})
assert {actor["name"] for actor in found["search"]} == {"first", "second"}
found = search("actors", **{"create_time.gt": "2020-04-29", "name.neq": "second"})
assert [actor["id"] for actor in found["search"]] == [first]
assert search("logs", search="words")["_metadata"]["totalCount"] == 3

found = ag.actors.listExecutions(actorId=second, search={"status": "COMPLETE", "limit": 2})
assert [entry["status"] for entry in found["search"]] == ["COMPLETE", "COMPLETE"]
assert (found["_metadata"]["countReturned"], found["_metadata"]["totalCount"]) == (2, 3)
found = ag.actors.listExecutions(actorId=second, query={"exitCode.gt": "0"})
assert found["search"] == []

for actor in (first, second):
    ag.actors.delete(actorId=actor)
