"""Typed synchronous client of an Abaco server; it knows the wire contract and nothing of the server's code.

    from abaco import Abaco

    with Abaco("http://localhost:8000", username="ada", password="correct horse") as ab:
        with ab.temporary_actor("abacosamples/wc") as wc:
            print(wc.call("how many words are these"))

Beside these handles there is each resource of the API, typed (`ab.actors`, `ab.messages`, `ab.executions`, `ab.logs`,
`ab.results`, `ab.state`, `ab.images`), and every operation under agavepy's name
(`ab.actors.sendMessage(actorId=..., body=...)`).
Whatever goes wrong is raised as an error of `abaco.errors`.
"""

from abaco.client.abaco import Abaco
from abaco.client.actors import Actor, ActorAttributes
from abaco.client.executions import Execution, ExecutionEntry, ExecutionSummary, Explanation
from abaco.client.executor import AbacoExecutor, AbacoFuture, RemoteTraceback
from abaco.client.handle import ActorHandle
from abaco.client.images import Image, ImageManifest, Pushed
from abaco.client.local_image import ENGINES, Blob, LocalImage, described, open_image
from abaco.client.messages import Sent
from abaco.client.polling import Clock
from abaco.client.reply import Raw, Reply
from abaco.client.run import Run
from abaco.client.sending import Message

__all__ = [
    "ENGINES",
    "Abaco",
    "AbacoExecutor",
    "AbacoFuture",
    "Actor",
    "ActorAttributes",
    "ActorHandle",
    "Blob",
    "Clock",
    "Execution",
    "ExecutionEntry",
    "ExecutionSummary",
    "Explanation",
    "Image",
    "ImageManifest",
    "LocalImage",
    "Message",
    "Pushed",
    "Raw",
    "RemoteTraceback",
    "Reply",
    "Run",
    "Sent",
    "described",
    "open_image",
]
