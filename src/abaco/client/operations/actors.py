"""Operations on actors. Made by scripts/client_operations.py: change nothing here."""

from collections.abc import Mapping
from typing import Any, BinaryIO, Unpack

from abaco.client.connection import path
from abaco.client.operations.calling import NOTHING, Listing, More, Operations, sending
from abaco.client.reply import Raw, Replies, Reply

__all__ = ["ActorsOperations"]


class ActorsOperations(Operations):
    """Actors and all that is theirs: ``/actors/v2``."""

    def list(self, **more: Unpack[Listing]) -> Any:
        """List the actors you may read, or search them."""
        return self._value("GET", path("actors", "v2"), more)

    def add(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Register an actor."""
        return self._reply("POST", path("actors", "v2"), more, body)

    def get(self, *, actorId: str, **more: Unpack[More]) -> Reply:
        """Get one actor."""
        return self._reply("GET", path("actors", "v2", actorId), more)

    def update(self, *, actorId: str, body: Any, **more: Unpack[More]) -> Reply:
        """Update an actor."""
        return self._reply("PUT", path("actors", "v2", actorId), more, body)

    def delete(self, *, actorId: str, **more: Unpack[More]) -> None:
        """Delete an actor; its running containers are killed."""
        self._done("DELETE", path("actors", "v2", actorId), more)

    def getMessages(self, *, actorId: str, **more: Unpack[More]) -> Reply:
        """Count the messages that wait."""
        return self._reply("GET", path("actors", "v2", actorId, "messages"), more)

    def sendMessage(
        self, *, actorId: str, body: Any, environment: Mapping[str, Any] | None = None, **more: Unpack[More]
    ) -> Reply:
        """Send a message."""
        return self._reply("POST", path("actors", "v2", actorId, "messages"), sending(more, environment), body)

    def sendBinaryMessage(
        self,
        *,
        actorId: str,
        message: bytes | BinaryIO,
        environment: Mapping[str, Any] | None = None,
        **more: Unpack[More],
    ) -> Reply:
        """Send a message."""
        return self._reply("POST", path("actors", "v2", actorId, "messages"), sending(more, environment), message)

    def deleteMessages(self, *, actorId: str, **more: Unpack[More]) -> Reply:
        """Drop the messages that wait."""
        return self._reply("DELETE", path("actors", "v2", actorId, "messages"), more)

    def sendMessages(self, *, actorId: str, body: Any, **more: Unpack[More]) -> Reply:
        """Send up to 10,000 messages, all or none."""
        return self._reply("POST", path("actors", "v2", actorId, "messages", "batch"), more, body)

    def listExecutions(self, *, actorId: str, **more: Unpack[Listing]) -> Reply:
        """List an actor's executions, oldest first, with sums; or search them."""
        return self._reply("GET", path("actors", "v2", actorId, "executions"), more)

    def getExecution(self, *, actorId: str, executionId: str, **more: Unpack[More]) -> Reply:
        """Get one execution."""
        return self._reply("GET", path("actors", "v2", actorId, "executions", executionId), more)

    def haltExecution(self, *, actorId: str, executionId: str, **more: Unpack[More]) -> None:
        """Halt a running execution."""
        self._done("DELETE", path("actors", "v2", actorId, "executions", executionId), more)

    def getExecutionLogs(self, *, actorId: str, executionId: str, **more: Unpack[Listing]) -> Reply:
        """Get an execution's log so far, follow it, or search it."""
        return self._reply("GET", path("actors", "v2", actorId, "executions", executionId, "logs"), more)

    def getOneExecutionResult(self, *, actorId: str, executionId: str, **more: Unpack[More]) -> Raw:
        """Take the oldest unread result."""
        return self._raw("GET", path("actors", "v2", actorId, "executions", executionId, "results"), more)

    def listResults(self, *, actorId: str, **more: Unpack[More]) -> Reply:
        """Read the results of all executions, without taking them; or follow them."""
        return self._reply("GET", path("actors", "v2", actorId, "results"), more)

    def explainExecution(self, *, actorId: str, executionId: str, **more: Unpack[More]) -> Reply:
        """Say where an execution's time goes, and why it waits or how it ended."""
        return self._reply("GET", path("actors", "v2", actorId, "executions", executionId, "explain"), more)

    def getSearch(self, *, collection: str, **more: Unpack[Listing]) -> Reply:
        """Search all you may read of a collection."""
        return self._reply("GET", path("actors", "v2", "search", collection), more)

    def getState(self, *, actorId: str, **more: Unpack[More]) -> Reply:
        """Get an actor's state."""
        return self._reply("GET", path("actors", "v2", actorId, "state"), more)

    def updateState(self, *, actorId: str, body: Any, **more: Unpack[More]) -> Reply:
        """Replace an actor's state."""
        return self._reply("POST", path("actors", "v2", actorId, "state"), more, body)

    def getFile(self, *, actorId: str, digest: str, **more: Unpack[More]) -> Raw:
        """Read a file of an actor."""
        return self._raw("GET", path("actors", "v2", actorId, "files", digest), more)

    def uploadFile(self, *, actorId: str, digest: str, body: bytes | BinaryIO, **more: Unpack[More]) -> Reply:
        """Give an actor a file, under its digest."""
        return self._reply("PUT", path("actors", "v2", actorId, "files", digest), more, body)

    def listWorkers(self, *, actorId: str, **more: Unpack[Listing]) -> Any:
        """List the actor's workers, or search them."""
        return self._value("GET", path("actors", "v2", actorId, "workers"), more)

    def addWorker(self, *, actorId: str, body: Any = NOTHING, **more: Unpack[More]) -> None:
        """Have at least so many workers of the actor."""
        self._done("POST", path("actors", "v2", actorId, "workers"), more, body)

    def getWorker(self, *, actorId: str, workerId: str, **more: Unpack[More]) -> Reply:
        """Get one worker."""
        return self._reply("GET", path("actors", "v2", actorId, "workers", workerId), more)

    def deleteWorker(self, *, actorId: str, workerId: str, **more: Unpack[More]) -> None:
        """Stop a worker; a busy one finishes its execution first."""
        self._done("DELETE", path("actors", "v2", actorId, "workers", workerId), more)

    def listAliases(self, **more: Unpack[More]) -> Replies:
        """List the aliases you may read."""
        return self._replies("GET", path("actors", "v2", "aliases"), more)

    def addAlias(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Name an actor."""
        return self._reply("POST", path("actors", "v2", "aliases"), more, body)

    def getAlias(self, *, alias: str, **more: Unpack[More]) -> Reply:
        """Get one alias."""
        return self._reply("GET", path("actors", "v2", "aliases", alias), more)

    def updateAlias(self, *, alias: str, body: Any, **more: Unpack[More]) -> Reply:
        """Have an alias name another actor."""
        return self._reply("PUT", path("actors", "v2", "aliases", alias), more, body)

    def deleteAlias(self, *, alias: str, **more: Unpack[More]) -> None:
        """Delete an alias with its permissions and nonces."""
        self._done("DELETE", path("actors", "v2", "aliases", alias), more)

    def getPermissions(self, *, actorId: str, **more: Unpack[More]) -> Reply:
        """List who may do what."""
        return self._reply("GET", path("actors", "v2", actorId, "permissions"), more)

    def updatePermissions(self, *, actorId: str, body: Any, **more: Unpack[More]) -> Reply:
        """Add or replace one user's level."""
        return self._reply("POST", path("actors", "v2", actorId, "permissions"), more, body)

    def listConfigs(self, **more: Unpack[More]) -> Replies:
        """List the configs you may read."""
        return self._replies("GET", path("actors", "v2", "configs"), more)

    def addConfig(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Make a config."""
        return self._reply("POST", path("actors", "v2", "configs"), more, body)

    def getConfig(self, *, configName: str, **more: Unpack[More]) -> Reply:
        """Get one config."""
        return self._reply("GET", path("actors", "v2", "configs", configName), more)

    def updateConfig(self, *, configName: str, body: Any, **more: Unpack[More]) -> Reply:
        """Update a config."""
        return self._reply("PUT", path("actors", "v2", "configs", configName), more, body)

    def deleteConfig(self, *, configName: str, **more: Unpack[More]) -> None:
        """Delete a config."""
        self._done("DELETE", path("actors", "v2", "configs", configName), more)

    def getConfigPermissions(self, *, configName: str, **more: Unpack[More]) -> Reply:
        """List who may do what."""
        return self._reply("GET", path("actors", "v2", "configs", configName, "permissions"), more)

    def updateConfigPermissions(self, *, configName: str, body: Any, **more: Unpack[More]) -> Reply:
        """Add or replace one user's level."""
        return self._reply("POST", path("actors", "v2", "configs", configName, "permissions"), more, body)

    def getAliasPermissions(self, *, alias: str, **more: Unpack[More]) -> Reply:
        """List who may do what."""
        return self._reply("GET", path("actors", "v2", "aliases", alias, "permissions"), more)

    def updateAliasPermissions(self, *, alias: str, body: Any, **more: Unpack[More]) -> Reply:
        """Add or replace one user's level."""
        return self._reply("POST", path("actors", "v2", "aliases", alias, "permissions"), more, body)

    def listNonces(self, *, actorId: str, **more: Unpack[More]) -> Replies:
        """List the actor's nonces."""
        return self._replies("GET", path("actors", "v2", actorId, "nonces"), more)

    def addNonce(self, *, actorId: str, body: Any = NOTHING, **more: Unpack[More]) -> Reply:
        """Make a nonce for the actor."""
        return self._reply("POST", path("actors", "v2", actorId, "nonces"), more, body)

    def getNonce(self, *, actorId: str, nonceId: str, **more: Unpack[More]) -> Reply:
        """Get one nonce of the actor."""
        return self._reply("GET", path("actors", "v2", actorId, "nonces", nonceId), more)

    def deleteNonce(self, *, actorId: str, nonceId: str, **more: Unpack[More]) -> None:
        """Delete a nonce of the actor."""
        self._done("DELETE", path("actors", "v2", actorId, "nonces", nonceId), more)

    def listAliasNonces(self, *, alias: str, **more: Unpack[More]) -> Replies:
        """List the alias's nonces."""
        return self._replies("GET", path("actors", "v2", "aliases", alias, "nonces"), more)

    def addAliasNonce(self, *, alias: str, body: Any = NOTHING, **more: Unpack[More]) -> Reply:
        """Make a nonce for the alias."""
        return self._reply("POST", path("actors", "v2", "aliases", alias, "nonces"), more, body)

    def getAliasNonce(self, *, alias: str, nonceId: str, **more: Unpack[More]) -> Reply:
        """Get one nonce of the alias."""
        return self._reply("GET", path("actors", "v2", "aliases", alias, "nonces", nonceId), more)

    def deleteAliasNonce(self, *, alias: str, nonceId: str, **more: Unpack[More]) -> None:
        """Delete a nonce of the alias."""
        self._done("DELETE", path("actors", "v2", "aliases", alias, "nonces", nonceId), more)

    def listImages(self, **more: Unpack[More]) -> Replies:
        """List the images that are here."""
        return self._replies("GET", path("actors", "v2", "images"), more)

    def addImage(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """Make an image of uploaded blobs."""
        return self._reply("POST", path("actors", "v2", "images"), more, body)

    def getImageManifest(self, **more: Unpack[More]) -> Reply:
        """See what an image is made of."""
        return self._reply("GET", path("actors", "v2", "images", "manifest"), more)

    def listMissingBlobs(self, *, body: Any, **more: Unpack[More]) -> Reply:
        """See which blobs to upload."""
        return self._reply("POST", path("actors", "v2", "images", "missing"), more, body)

    def uploadBlob(self, *, digest: str, body: bytes | BinaryIO, **more: Unpack[More]) -> Reply:
        """Upload a blob of an image."""
        return self._reply("PUT", path("actors", "v2", "images", "blobs", digest), more, body)

    def getUtilization(self, **more: Unpack[More]) -> Reply:
        """See how many actors and workers there are."""
        return self._reply("GET", path("actors", "v2", "utilization"), more)

    def adminListActors(self, **more: Unpack[More]) -> Replies:
        """List all actors (admins only)."""
        return self._replies("GET", path("actors", "v2", "admin"), more)

    def adminListWorkers(self, **more: Unpack[More]) -> Reply:
        """List all workers (admins only)."""
        return self._reply("GET", path("actors", "v2", "admin", "workers"), more)

    def adminListExecutions(self, **more: Unpack[More]) -> Reply:
        """Add up all executions (admins only)."""
        return self._reply("GET", path("actors", "v2", "admin", "executions"), more)
