"""Typed synchronous client of an Abaco server; it knows the wire contract and nothing of the server's code.

    from abaco.client import Abaco

    with Abaco("http://localhost:8000", token) as ab:
        actor = ab.actors.add("abacosamples/wc", name="counter")
        sent = ab.messages.send(actor.id, "how many words are these")
        ab.executions.wait(actor.id, sent.execution_id)
        print(ab.logs.get(actor.id, sent.execution_id))

Whatever goes wrong is raised as an error of `abaco.errors`.
"""

from abaco.client.abaco import Abaco
from abaco.client.actors import Actor, ActorAttributes
from abaco.client.executions import Execution, ExecutionEntry, ExecutionSummary, Explanation
from abaco.client.messages import Sent
from abaco.client.polling import Clock
from abaco.client.reply import Raw, Reply

__all__ = [
    "Abaco",
    "Actor",
    "ActorAttributes",
    "Clock",
    "Execution",
    "ExecutionEntry",
    "ExecutionSummary",
    "Explanation",
    "Raw",
    "Reply",
    "Sent",
]
