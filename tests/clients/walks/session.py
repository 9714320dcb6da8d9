"""What the other agavepy walks begin with: a signed-in client, and waiting."""

import os
import time

from agavepy.agave import Agave

API_SERVER, AUTHORITY = os.environ["API_SERVER"], os.environ["AUTHORITY"]
USERNAME, PASSWORD = os.environ["USERNAME"], os.environ["PASSWORD"]


def sign_in(username=USERNAME, client="walk"):
    ag = Agave(api_server=API_SERVER, username=username, password=PASSWORD, verify=AUTHORITY)
    if client in [found["name"] for found in ag.clients.list()]:
        ag.clients.delete(clientName=client)
    ag.clients.create(body={"clientName": client})
    return ag


def until(holds, seconds=60):
    deadline = time.time() + seconds
    while not holds():
        assert time.time() < deadline, "it did not happen in time"
        time.sleep(0.2)


def wait(ag, actor_id, execution_id):
    until(lambda: ag.actors.getExecution(actorId=actor_id, executionId=execution_id)["status"] == "COMPLETE")
    return ag.actors.getExecutionLogs(actorId=actor_id, executionId=execution_id)["logs"]


def refused(call, **arguments):
    """The API's words if it refuses the call."""
    try:
        call(**arguments)
    except Exception as error:
        return error.response.json()["message"]
    raise AssertionError("it was not refused")
