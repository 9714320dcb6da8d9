"""What the OpenAPI document says of fields, parameters and errors: one explanation and one example a name.

A field is looked up as ``Schema.field``, else as ``field``, spelled as under ``/actors/v2``. The tests hold that every
field and parameter of the document has an entry here or a description of its own.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

__all__ = ["ERRORS", "FAILED_EXECUTION", "FIELDS", "PATH_PARAMETERS", "REUSED_KEY", "Word"]


class Word(NamedTuple):
    """An explanation, and a value as it may occur."""

    meaning: str
    example: Any


_TIME = "2026-11-22T03:07:11.678Z"
_ID = "eNulypx6PZNqa"
_KEY = "3f9a" * 8
_SERVER = "https://abaco.example.org"
_DIGEST = "sha256:" + "5e8f" * 16

FIELDS: Mapping[str, Word] = {
    # --- everywhere ---
    "id": Word("Identifier: 13 letters and digits.", _ID),
    "owner": Word("Who registered it.", "ada"),
    "status": Word("Where it is in its lifecycle.", "READY"),
    "description": Word("Free text for people.", "Counts the words of a message."),
    "apiServer": Word("Base URL of the tenant's API.", _SERVER),
    "actorId": Word("Id of the actor.", _ID),
    "createTime": Word("When it was made (UTC).", _TIME),
    "_links": Word("URLs of related objects.", {"self": f"{_SERVER}/actors/v2/{_ID}"}),
    "self": Word("URL of the object itself.", f"{_SERVER}/actors/v2/{_ID}"),
    "executions": Word("URL of the actor's executions.", f"{_SERVER}/actors/v2/{_ID}/executions"),
    "execution": Word("URL of the execution.", f"{_SERVER}/actors/v2/{_ID}/executions/wmQdRq4X1ZbA3"),
    "messages": Word("URL of the actor's messages.", f"{_SERVER}/actors/v2/{_ID}/messages"),
    "number": Word("Of the result; later ones have higher numbers.", 17),
    "data": Word("The result's bytes in Base64.", "aGVsbG8="),
    "results": Word("Oldest first, 64 at most; ask again for those after the last.", []),
    "logs": Word("URL of the execution's log.", f"{_SERVER}/actors/v2/{_ID}/executions/wmQdRq4X1ZbA3/logs"),
    "ExecutionLinks.owner": Word("URL of the sender's profile.", f"{_SERVER}/profiles/v2/ada"),
    **dict.fromkeys(
        ("ActorLinks.owner", "AliasLinks.owner", "Links.owner", "LogLinks.owner", "PostedLinks.owner"),
        Word("URL of the owner's profile.", f"{_SERVER}/profiles/v2/ada"),
    ),
    # --- images ---
    "Image.name": Word("Name to register actors with.", "dev/ada/wc:latest"),
    "ImageManifest.name": Word("Name of the image.", "abacosamples/wc:latest"),
    "ImageDescription.name": Word("A name of your own, as wc:1.0, or the whole name.", "wc"),
    "digest": Word("Digest of the image's manifest.", _DIGEST),
    "source": Word("archive (imported by an administrator) or push.", "push"),
    "manifest": Word("The text of the image's OCI manifest.", '{"schemaVersion": 2, ...}'),
    "config": Word("The text of the image's OCI configuration.", '{"architecture": "amd64", ...}'),
    "digests": Word("Digests of blobs.", [_DIGEST]),
    "missing": Word("Those that have to be uploaded.", [_DIGEST]),
    "File.digest": Word("SHA-256 of the file.", _DIGEST),
    "File.size": Word("Bytes of the file.", 500_000_000),
    "Blob.digest": Word("SHA-256 of the blob.", _DIGEST),
    "size": Word("Bytes of the blob.", 2_483),
    # --- actors ---
    "image": Word("Container image: [registry/]repository[:tag].", "abacosamples/wc"),
    "name": Word("A name for people; need not be unique.", "word-counter"),
    "type": Word("Free text without effect; `none`, `bin` or `json` by custom.", "none"),
    "defaultEnvironment": Word(
        "Variables of every execution; values that are not text are rendered as Python does, null leaves one unset.",
        {"MODE": "fast"},
    ),
    "stateless": Word("Whether messages may run at the same time; a stateful actor keeps a state.", True),
    "state": Word("Any JSON value that a stateful actor keeps between messages.", {"count": 3}),
    "hints": Word(
        "Tags; `sync` keeps a worker ready for a while, `warm` its containers up between messages.", ["sync"]
    ),
    "link": Word("Actor that gets this one's events as messages: its id or alias; empty for none.", ""),
    "webhook": Word("URL that this actor's events are posted to; empty for none.", ""),
    "token": Word(
        'Whether executions get an access token of the owner; the text "false" or "true" is the server\'s default.',
        False,
    ),
    "privileged": Word("Whether containers run privileged.", False),
    "useContainerUid": Word("Run as the image's own user instead of the owner.", False),
    "runAsExecutor": Word("Run as whoever sent the message instead of the owner.", False),
    "queue": Word("Name of the queue whose workers run the actor.", "default"),
    "gpus": Word("Devices of the queue that each execution has for itself: CDI names.", ["nvidia.com/gpu=0"]),
    "maxWorkers": Word("Executions at once; stateless actors only.", 4),
    "memLimit": Word("Memory of an execution in Docker's syntax; -1 is no limit.", "512m"),
    "maxCpus": Word("CPU of an execution in nano-CPUs; -1 is no limit.", 1_000_000_000),
    "logEx": Word("Seconds that logs are kept.", 43_200),
    "maxRunTime": Word("Seconds that an execution may run; without it, as long as the server allows.", 3_600),
    "cronSchedule": Word(
        "When the actor runs by itself: a start in UTC or `now`, and a step; or the five fields of cron, with "
        "`CRON_TZ=ZONE` in front for another time zone than UTC. Empty for no schedule.",
        "2078-09-06 20 + 1 day",
    ),
    "cronOn": Word("Whether the schedule is switched on; giving a schedule switches it on.", True),
    "cronNextEx": Word("The schedule's next slot in UTC.", "2078-9-6 20"),
    "mounts": Word("Directories of the server that containers see.", []),
    "uid": Word("User id that containers run as.", "1001"),
    "gid": Word("Group id that containers run as.", "1001"),
    "tasdir": Word("The owner's home directory, if known.", "/home/ada"),
    "revision": Word("1, and one more with each new image or `force`.", 1),
    "statusMessage": Word("Why the actor is in ERROR.", ""),
    "lastUpdateTime": Word("When it was last updated (UTC).", _TIME),
    "force": Word("Start a new revision although the image's name is the same. For updates only.", False),
    # --- messages ---
    "executionId": Word("Id of the execution that the message became.", "wmQdRq4X1ZbA3"),
    "msg": Word("The message as it was taken; `binary - omitted` for bytes.", "to be or not to be"),
    "Purged.msg": Word("What was done.", "Actor mailbox purged."),
    "message": Word("The message, as text.", "to be or not to be"),
    "Messages.messages": Word("Messages that wait, not counting those being executed.", 0),
    # --- executions ---
    "executor": Word("Who sent the message.", "ada"),
    "messageReceivedTime": Word("When the message was taken (UTC).", _TIME),
    "notBefore": Word("When it is due (UTC), if its sender said so.", _TIME),
    "workerId": Word("The worker that runs or ran it.", "Xq3wMjzRvB0aN"),
    "startTime": Word("When the container was started (UTC).", _TIME),
    "finishTime": Word("When the container ended (UTC).", _TIME),
    "runtime": Word("Seconds of wall clock, whole.", 2),
    "cpu": Word("CPU time in nanoseconds.", 31_000_000),
    "io": Word("Bytes received over the network.", 0),
    "exitCode": Word("Exit code of the container's program.", 0),
    "finalState": Word("The container's last state, in Docker's words.", {"Status": "exited", "ExitCode": 0}),
    "attempts": Word("How often a container was started for it.", 1),
    "imageDigest": Word("Digest of the image that ran.", "sha256:4f53cda18c2b"),
    "Execution.status": Word("SUBMITTED, RUNNING, COMPLETE or ERROR.", "COMPLETE"),
    "SummaryEntry.status": Word("SUBMITTED, RUNNING, COMPLETE or ERROR.", "COMPLETE"),
    "times": Word("When the execution came by; null where it has not.", {"queued": _TIME, "claimed": None}),
    "durations": Word("Milliseconds of each phase; null where it is not over.", {"waiting": 12, "running": None}),
    "queued": Word("The message was taken (UTC).", _TIME),
    "claimed": Word("A worker got it (UTC).", _TIME),
    "prepared": Word("All that its container needs was in place (UTC).", _TIME),
    "started": Word("Its program was started (UTC).", _TIME),
    "firstOutput": Word("Its program wrote something for the first time (UTC).", _TIME),
    "exited": Word("Its program ended (UTC).", _TIME),
    "recorded": Word("Its end was written down (UTC).", _TIME),
    "waiting": Word("Milliseconds in the mailbox.", 12),
    "preparing": Word("Milliseconds in which its container was prepared.", 4),
    "starting": Word("Milliseconds in which its program was started.", 6),
    "running": Word("Milliseconds that its program ran.", 1_840),
    "untilOutput": Word("Milliseconds from the start of its program to its first output.", 31),
    "recording": Word("Milliseconds from the end of its program until it was written down.", 5),
    "total": Word("Milliseconds from the message to the end.", 1_867),
    "Explanation.code": Word("The kind of reason, for programs.", "workers_busy"),
    "reason": Word("Why it waits, or how it ended, in words.", "The actor's image is being prepared."),
    "messagesBefore": Word("Messages of the actor that wait before its own; null once it does not wait.", 7),
    "waitsFor": Word("The execution that it waits for.", "wmQdRq4X1ZbA3"),
    "until": Word("The moment that it waits for (UTC).", _TIME),
    "Summary.executions": Word("The actor's executions, oldest first.", []),
    "totalExecutions": Word("How many there are.", 12),
    "totalCpu": Word("Sum of their CPU time in nanoseconds.", 372_000_000),
    "totalIo": Word("Sum of the bytes they received.", 0),
    "totalRuntime": Word("Sum of their seconds of wall clock.", 24),
    "Logs.logs": Word("What the container wrote to stdout and stderr so far.", "hello\n"),
    # --- sharing ---
    "user": Word("Whom the level is for; ABACO_WORLD is every user of the tenant.", "bob"),
    "level": Word("NONE, READ, EXECUTE or UPDATE; each includes the ones before it.", "EXECUTE"),
    "alias": Word("The name.", "word-counter"),
    "actor": Word("URL of the actor.", f"{_SERVER}/actors/v2/{_ID}"),
    "Nonce.id": Word("The nonce itself: whoever has it can use it.", "DEV_8f14e45fceea167a5a36dedd4bea2543"),
    "roles": Word("The owner's roles when it was made; admin and privileged do not come with it.", ["user"]),
    "maxUses": Word("How often it may be used; -1 is any number of times.", 3),
    "currentUses": Word("How often it was used.", 1),
    "remainingUses": Word("How often it may still be used; -1 is any number of times.", 2),
    "lastUseTime": Word("When it was last used (UTC), or the text `None`.", _TIME),
    # --- configs ---
    "Config.name": Word("The name, unique in the tenant.", "database"),
    "ConfigDescription.name": Word("The name, unique in the tenant.", "database"),
    "Config.value": Word("The value; of a secret only a mask is shown.", "db.example.org"),
    "value": Word("The value; a JSON object is kept as a Python literal.", "db.example.org"),
    "isSecret": Word("Whether the value is encrypted and never shown again.", False),
    "actors": Word("Ids and aliases of the actors that get it, separated by commas.", f"{_ID},word-counter"),
    # --- workers ---
    "Worker.id": Word("Identifier: 13 letters and digits.", "Xq3wMjzRvB0aN"),
    "Worker.status": Word("REQUESTED, READY, BUSY or SHUTDOWN_REQUESTED.", "READY"),
    "PlacedWorker.id": Word("Identifier: 13 letters and digits.", "Xq3wMjzRvB0aN"),
    "PlacedWorker.status": Word("REQUESTED, READY, BUSY or SHUTDOWN_REQUESTED.", "READY"),
    "tenant": Word("Tenant that it belongs to.", "DEV"),
    "chName": Word("Name of its control channel, as TACC's service has it.", "worker_Xq3wMjzRvB0aN"),
    "location": Word("What runs its containers, and on which machine.", "crun://node1"),
    "cid": Word("The engine process that it lives in.", "bQ0v7wXn3LmPk"),
    "hostId": Word("Name of its machine.", "node1"),
    "hostIp": Word("Address of its machine.", "192.0.2.10"),
    "lastExecutionTime": Word("When it last began an execution (UTC), or the text `None`.", _TIME),
    "lastHealthCheckTime": Word("When its engine last showed that it is alive (UTC), or the text `None`.", _TIME),
    # --- administration ---
    "currentActors": Word("Actors there are.", 12),
    "totalActors": Word("Actors that were ever registered.", 40),
    "Utilization.workers": Word("Workers there are.", 7),
    "commandQueue": Word("Workers that are on their way.", 1),
    "dbId": Word("Id of the actor with its tenant, as containers see it.", f"DEV_{_ID}"),
    "ActorOverview.workers": Word("Its workers.", []),
    "ActorOverview.messages": Word("Its messages that wait.", 0),
    "ActorOverview.executions": Word("How many executions it has.", 12),
    "ActorOverview.runtime": Word("Sum of their seconds of wall clock.", 24),
    "summary": Word("Numbers of everything.", {}),
    "WorkersOverview.workers": Word("Every worker of every actor.", []),
    "totalWorkers": Word("Workers there are.", 7),
    "readyWorkers": Word("Those that wait for messages.", 4),
    "requestedWorkers": Word("Those that are on their way.", 1),
    "errorWorkers": Word("Always 0: a worker that fails is removed.", 0),
    "busyWorkers": Word("Those that run a container.", 2),
    "actorsNoWorkers": Word("Actors without a worker.", 9),
    "actorDbid": Word("Id of its actor with the tenant, as containers see it.", f"DEV_{_ID}"),
    "ExecutionsOverview.actors": Word("The totals of every actor there is.", []),
    "totalActorsAll": Word("Actors that were ever registered.", 40),
    "totalActorsAllWithExecutions": Word("Those of them that had executions.", 30),
    "totalExecutionsAll": Word("Executions of all of them.", 900),
    "totalExecutionRuntimeAll": Word("Sum of their seconds of wall clock.", 1800),
    "totalExecutionCpuAll": Word("Sum of their CPU time in nanoseconds.", 27_900_000_000),
    "totalExecutionIoAll": Word("Sum of the bytes they received.", 0),
    "totalActorsExisting": Word("Actors there are.", 12),
    "totalActorsExistingWithExecutions": Word("Those of them that have executions.", 10),
    "totalExecutionsExisting": Word("Executions of the actors there are.", 300),
    "totalExecutionRuntimeExisting": Word("Sum of their seconds of wall clock.", 600),
    "totalExecutionCpuExisting": Word("Sum of their CPU time in nanoseconds.", 9_300_000_000),
    "totalExecutionIoExisting": Word("Sum of the bytes they received.", 0),
    "totalExecutionCpu": Word("Sum of their CPU time in nanoseconds.", 372_000_000),
    "totalExecutionIo": Word("Sum of the bytes they received.", 0),
    "totalExecutionRuntime": Word("Sum of their seconds of wall clock.", 24),
    # --- searches ---
    "_metadata": Word(
        "How much there is.", {"totalCount": 12, "recordsSkipped": 0, "recordLimit": 100, "countReturned": 12}
    ),
    "totalCount": Word("How many meet the conditions.", 12),
    "recordsSkipped": Word("How many were skipped: `skip`.", 0),
    "recordLimit": Word("How many may be returned: `limit`, or the server's maximum.", 100),
    "countReturned": Word("How many are returned.", 12),
    "Found.search": Word("What was found: objects of the collection, with nulls.", []),
    # --- errors ---
    "Failure.message": Word("What was wrong, and what to change.", f"No actor found with identifier: {_ID}."),
    "Failure.status": Word("Always `error`.", "error"),
    "version": Word("Version of the service.", "0.1.0"),
    "result": Word("Always null.", None),
    "fault": Word("With unknown or expired tokens: what an API gateway says, which clients refresh on.", None),
    # --- identity ---
    "consumerKey": Word("The client's key, its name towards /token.", _KEY),
    "consumerSecret": Word("The client's secret; shown this once.", "f4a1" * 16),
    "Client.name": Word("The client's name, among those of its user.", "my-notebook"),
    "NewClient.name": Word("The client's name, among those of its user.", "my-notebook"),
    "clientName": Word("The client's name, among those of its user.", "my-notebook"),
    "callbackUrl": Word("Kept and shown, without effect.", ""),
    "tier": Word("Kept and shown, without effect.", "Unlimited"),
    "ClientLinks.self": Word("The client's address.", {"href": f"{_SERVER}/clients/v2/my-notebook"}),
    "subscriber": Word("Address of the profile of its user.", {"href": f"{_SERVER}/profiles/v2/ada"}),
    "subscriptions": Word(
        "Address of its subscriptions.", {"href": f"{_SERVER}/clients/v2/my-notebook/subscriptions/"}
    ),
    "href": Word("A URL.", f"{_SERVER}/clients/v2/my-notebook"),
    "apiName": Word("Name of an API.", "Actors"),
    "apiVersion": Word("Version of that API.", "v2"),
    "apiProvider": Word("Who provides it.", "admin"),
    "grant_type": Word("password, refresh_token, client_credentials or admin_password.", "password"),
    "username": Word("Name of a user.", "ada"),
    "password": Word("The user's password.", "correct horse"),
    "refresh_token": Word("A refresh token, good for one refresh.", "9d2c" * 16),
    "TapisGrant.refresh_token": Word("What gets the next tokens.", {"refresh_token": "eyJ0eXAi..."}),
    "token_username": Word("With admin_password: whom the token is for.", "bob"),
    "client_id": Word("The client's key, if not in HTTP Basic.", _KEY),
    "client_secret": Word("The client's secret, if not in HTTP Basic.", "f4a1" * 16),
    "scope": Word("PRODUCTION; there is no other.", "PRODUCTION"),
    "access_token": Word("The token to send as Bearer, or as X-Tapis-Token.", "07be" * 16),
    "TapisGrant.access_token": Word("What requests are sent with.", {"access_token": "eyJ0eXAi..."}),
    "expires_in": Word("Seconds the token lasts.", 14_400),
    "expires_at": Word("When the token expires (UTC).", _TIME),
    "token_type": Word("bearer.", "bearer"),
    "error": Word("What is wrong, in a word of RFC 6749.", "invalid_grant"),
    "error_description": Word("What is wrong, for people.", "Login failed: the username or the password is wrong."),
    "Revocation.token": Word("The token to end.", "07be" * 16),
    "TapisRevocation.token": Word("The token to end.", "07be" * 16),
    "token_type_hint": Word("Ignored: tokens of either kind are found.", "refresh_token"),
    "email": Word("The user's address.", "ada@example.org"),
    "first_name": Word("The user's first name.", "Ada"),
    "last_name": Word("The user's last name.", "Lovelace"),
    "full_name": Word("Both names, else the name of the account.", "Ada Lovelace"),
    "phone": Word("The user's telephone.", ""),
    "mobile_phone": Word("The user's mobile telephone.", ""),
    "Profile.status": Word("Always empty.", ""),
    "Profile.uid": Word("User id of their containers, if they have one.", 834517),
    "Tenant.id": Word("The tenant's id.", "DEV"),
    "Tenant.name": Word("The tenant's id again.", "DEV"),
    "code": Word("The tenant's id again.", "DEV"),
    "baseUrl": Word("Base URL of the tenant's API.", _SERVER),
    "contact": Word("Always empty.", []),
    "TenantLinks.self": Word("The tenant's address.", {"href": f"{_SERVER}/tenants/DEV"}),
    "tenant_id": Word("The tenant's id in lower case.", "dev"),
    "base_url": Word("Base URL of the API.", _SERVER),
    "public_key": Word("PEM of the key that the server signs its Tapis tokens with.", "-----BEGIN PUBLIC KEY-----..."),
    "site_id": Word("The same for all tenants of this server.", "abaco"),
    "TapisTenant.description": Word("Always empty.", ""),
    "TapisTenant.status": Word("Always active.", "active"),
    "primary": Word("Always true.", True),
}

PATH_PARAMETERS: Mapping[str, Word] = {
    "actor_id": Word("Id or alias of the actor.", _ID),
    "execution_id": Word("Id of the execution.", "wmQdRq4X1ZbA3"),
    "alias": Word("Name of the alias.", "word-counter"),
    "nonce_id": Word("The nonce.", "DEV_8f14e45fceea167a5a36dedd4bea2543"),
    "config_name": Word("Name of the config.", "database"),
    "worker_id": Word("Id of the worker.", "Xq3wMjzRvB0aN"),
    "collection": Word("actors, executions, workers or logs.", "actors"),
    "client_name": Word("Name of one of your OAuth clients.", "my-notebook"),
    "tenant_id": Word("The tenant's id, in any case of its letters.", "DEV"),
    "username": Word("Name of a user of your tenant.", "ada"),
    "digest": Word("SHA-256 of the bytes.", _DIGEST),
}

FAILED_EXECUTION = Word(
    "The execution that the request waited for ended in ERROR. Code: execution_failed.",
    "Execution wmQdRq4X1ZbA3 ended in ERROR: Error executing container: no such program.",
)

REUSED_KEY = Word(
    "The Idempotency-Key was used for another message. Code: key_reused.",
    "This Idempotency-Key was used for another message to this actor.",
)
ERRORS: Mapping[str, Word] = {
    "400": Word(
        "The request is wrong, or the caller lacks a permission or role; the message says what to change. "
        "Codes: invalid_input, too_large, not_permitted, conflict.",
        "Not authorized -- you do not have access to this actor.",
    ),
    "401": Word(
        "The credentials are missing (not_authenticated), or unknown, expired or revoked (invalid_credentials: "
        "then `fault` says so in a gateway's words).",
        "No credentials: send the header 'Authorization: Bearer TOKEN'.",
    ),
    "404": Word(
        "There is no such object in the caller's tenant. Code: not_found.", f"No actor found with identifier: {_ID}."
    ),
    "429": Word(
        "Too many sign-ins failed lately, for this user or from this address. Code: throttled.",
        "Too many failed sign-ins: wait 5 minutes.",
    ),
    "503": Word("The service cannot answer now; try again later. Code: unavailable.", "Too many requests wait."),
}
