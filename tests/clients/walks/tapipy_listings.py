"""Workers and search by tapipy."""

import os
import time

from tapipy.tapis import Tapis

t = Tapis(
    base_url=os.environ["API_SERVER"],
    username=os.environ["USERNAME"],
    password=os.environ["PASSWORD"],
    verify=os.environ["AUTHORITY"],
)
t.get_tokens()
actor = t.actors.create_actor(image="abacosamples/wc")
deadline = time.time() + 60
while not (workers := t.actors.list_workers(actor_id=actor.id)):
    assert time.time() < deadline
    time.sleep(0.2)
assert workers[0].status in {"REQUESTED", "SPAWNER SETUP", "PULLING IMAGE", "CREATING CONTAINER", "READY", "BUSY"}
assert workers[0].tenant
found = t.actors.search_database(search_type="actors", _tapis_query_parameters={"image.like": "samples/wc"})
assert [entry.id for entry in found.search] == [actor.id]
t.actors.delete_actor(actor_id=actor.id)
