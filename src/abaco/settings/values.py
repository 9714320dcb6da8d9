"""What can be set, with defaults, meanings and rules."""

import os
from collections.abc import Iterable
from ipaddress import IPv4Network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from abaco.domain.actor import DEFAULT_QUEUE, memory_bytes
from abaco.domain.mount import WORK_PATH, MountPoint, MountRules, parse_mount
from abaco.domain.queue import Queue, require_queues
from abaco.errors import InvalidInput

__all__ = ["QueueSettings", "Settings"]

_FEWEST_ADDRESSES = 8
"""Of the containers' network: the machine's end of the cables, some workers, and what no host may have."""
_LOOPBACK = {"127.0.0.1", "::1", "localhost"}
_CORES = os.cpu_count() or 1
_SIZES = (
    *("mem_limit", "disk_limit", "max_image_size", "max_pushed_size", "max_file_size", "max_files_size"),
    "min_free_space",
)


class QueueSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of the setting `queues`; what it does not say is as for the whole server."""

    max_workers: int | None = None
    mem_limit: str | None = None
    max_cpus: int | None = None
    gpus: tuple[str, ...] = ()


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Every setting; the description of each is what ``abaco settings`` and the documentation show."""

    data: Annotated[Path, Meta(description="Directory of everything the server keeps: database, images, keys.")]
    host: Annotated[str, Meta(description="Address the API listens on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65535, description="TCP port the API listens on.")] = 8000
    tls_cert: Annotated[Path | None, Meta(description="PEM certificate chain; with tls_key, the API speaks https.")] = (
        None
    )
    tls_key: Annotated[Path | None, Meta(description="PEM private key of tls_cert.")] = None
    database: Annotated[
        str | None, Meta(description="postgresql:// URL; without it, a SQLite file in the data directory.")
    ] = None
    runtime: Annotated[
        Literal["crun", "docker"],
        Meta(description="What starts containers: crun, or the Docker engine that DOCKER_HOST leads to."),
    ] = "crun"
    pool: Annotated[Literal["local"], Meta(description="Where workers live.")] = "local"
    api_server: Annotated[
        str | None,
        Meta(description="Base URL under which users and containers reach the API; default from host and port."),
    ] = None
    version: Annotated[str | None, Meta(description="What responses show as `version`; default the package's.")] = None
    case: Annotated[
        Literal["camel", "snake"], Meta(description="Spelling of names under /actors (v2 is camel, v3 is snake).")
    ] = "camel"
    default_tenant: Annotated[
        str, Meta(description="Tenant of `admin` commands and of sign-ins that name no other.")
    ] = "dev"
    access_control: Annotated[
        Literal["jwt", "none"],
        Meta(description="none asks for no credentials: everyone is admin. For development, on a loopback host only."),
    ] = "jwt"
    trusted_proxies: Annotated[
        tuple[str, ...], Meta(description="Addresses of reverse proxies, which say in X-Forwarded-For whom they serve.")
    ] = ()
    user_role: Annotated[str, Meta(description="Role in gateways' JWTs that makes an ordinary user.")] = (
        "Internal/abaco-user"
    )
    access_token_seconds: Annotated[int, Meta(ge=1, description="Lifetime of access tokens that sign-ins get.")] = (
        14_400
    )
    refresh_token_seconds: Annotated[
        int, Meta(ge=1, description="Lifetime of refresh tokens; each is good for one refresh.")
    ] = 2_592_000
    oidc_issuer: Annotated[
        str | None, Meta(description="OIDC provider whose tokens are taken: the URL that they name as `iss`.")
    ] = None
    oidc_audience: Annotated[
        str | None, Meta(description="What tokens of the provider must name as `aud`; required with oidc_issuer.")
    ] = None
    oidc_jwks_url: Annotated[
        str | None, Meta(description="Where the provider publishes its keys; by default it is asked for that, too.")
    ] = None
    oidc_username_claim: Annotated[
        str, Meta(description="Claim that names the user; one that users cannot change themselves.")
    ] = "preferred_username"
    oidc_roles_claim: Annotated[
        str, Meta(description="Claim with roles such as abaco-admin; may be a path such as realm_access.roles.")
    ] = "roles"
    oidc_tenant: Annotated[
        str | None, Meta(description="Tenant of the provider's users; default the setting default_tenant.")
    ] = None
    default_token: Annotated[bool, Meta(description="Whether actors that do not say get their owner's token.")] = False
    accept_nonce: Annotated[
        bool, Meta(description="Whether nonces open the actors and aliases they were made for.")
    ] = True
    nonce_in_environment: Annotated[
        bool,
        Meta(description="Whether containers see the nonce of the request as the variable x-nonce, as upstream's do."),
    ] = False
    config_actor_permission_check: Annotated[
        bool, Meta(description="Whether configs may name only actors that their author may update.")
    ] = True
    max_workers: Annotated[int, Meta(ge=1, le=10_000, description="Workers of all actors on this machine.")] = max(
        4, 2 * _CORES
    )
    max_workers_per_actor: Annotated[
        int, Meta(ge=1, le=10_000, description="Workers of one stateless actor that sets no max_workers of its own.")
    ] = 20
    queues: Annotated[
        dict[str, QueueSettings],
        Meta(description="Classes of workers beside or instead of `default`, each with places, limits and gpus."),
    ] = {}
    worker_idle_seconds: Annotated[
        float, Meta(ge=0, description="How long a worker without messages stays before it is retired.")
    ] = 60.0
    sync_idle_seconds: Annotated[
        float,
        Meta(
            ge=0,
            description="The same of the last worker of an actor with the hint sync, and of warm workers, if longer.",
        ),
    ] = 600.0
    max_run_seconds: Annotated[
        float,
        Meta(
            description="Run time limit in seconds where an actor sets no max_run_time, and the most that ordinary "
            "users may set there; 0 or less is no limit."
        ),
    ] = 43_200.0
    stop_grace_seconds: Annotated[
        float, Meta(ge=0, description="Between SIGTERM and SIGKILL when a run time limit is reached.")
    ] = 10.0
    mem_limit: Annotated[
        str, Meta(description="Memory of an execution whose actor sets no mem_limit, such as 512m; -1 is no limit.")
    ] = "-1"
    max_cpus: Annotated[
        int, Meta(description="Nano-CPUs of an execution whose actor sets no max_cpus; -1 is no limit.")
    ] = -1
    max_pids: Annotated[  # Docker's runc is one of some ten threads until it becomes the image's command.
        int, Meta(ge=32, description="Processes and threads of an execution; at least 32.")
    ] = 1024
    actor_homedir: Annotated[
        str | None, Meta(description="Owners' home directories on this machine, such as /home/{username}.")
    ] = None
    work_directory: Annotated[
        str | None,
        Meta(description="What containers have at /work, read-write, such as /scratch/{tenant_id}/{username}."),
    ] = None
    global_mounts: Annotated[
        tuple[str, ...],
        Meta(description="What else containers have of this machine: host_path:container_path:ro (or rw)."),
    ] = ()
    tenant_mounts: Annotated[
        dict[str, tuple[str, ...]], Meta(description="By tenant, what its containers have instead of global_mounts.")
    ] = msgspec.field(default_factory=dict)
    privileged_mounts: Annotated[
        tuple[str, ...], Meta(description="What privileged containers have besides; as global_mounts.")
    ] = ()
    disk_limit: Annotated[
        str, Meta(description="Disk space of a container's own files, such as 512m; -1 is no limit.")
    ] = "4g"
    network: Annotated[
        Literal["private", "none", "host"],
        Meta(
            description="Network of containers: private leads out and to the API only, none to the API only, "
            "host is the machine's own."
        ),
    ] = "private"
    container_subnet: Annotated[str, Meta(description="Where containers get their addresses on a private network.")] = (
        "10.213.0.0/16"
    )
    blocked_networks: Annotated[
        tuple[str, ...], Meta(description="Networks that containers do not reach; by default clouds' metadata.")
    ] = ("169.254.0.0/16",)
    user_namespaces: Annotated[
        bool, Meta(description="Whether root in a container is nobody on the machine, where no owner's ids are known.")
    ] = True
    first_container_user: Annotated[
        int,
        Meta(ge=65_536, le=2_147_000_000, description="First of the users that such containers have, 65,536 a worker."),
    ] = 2_000_000_000
    seccomp_profile: Annotated[
        Path, Meta(description="Which system calls containers may make, in the format of Docker and Podman.")
    ] = Path("/usr/share/containers/seccomp.json")
    privileged: Annotated[
        bool, Meta(description="Whether users with the role admin or privileged may have containers without isolation.")
    ] = False
    privileged_docker_socket: Annotated[
        str | None, Meta(description="Docker socket that privileged containers get, such as /var/run/docker.sock.")
    ] = None
    webhook_tries: Annotated[int, Meta(ge=1, le=100, description="Times that an event is posted to a webhook.")] = 5
    webhook_timeout_seconds: Annotated[
        float, Meta(gt=0, le=300, description="How long a webhook may take to answer.")
    ] = 10.0
    webhook_private_addresses: Annotated[
        bool, Meta(description="Whether webhooks may lead to this machine and to private networks.")
    ] = False
    insecure_registries: Annotated[
        tuple[str, ...], Meta(description="Registries (host:port) that may be pulled from without TLS.")
    ] = ()
    max_image_size: Annotated[
        str,
        Meta(description="Size of an image that a user pushes or has fetched, packed and unpacked; -1 is no limit."),
    ] = "10g"
    max_pushed_size: Annotated[
        str, Meta(description="Disk space of all that one user has pushed, packed and unpacked; -1 is no limit.")
    ] = "50g"
    max_file_size: Annotated[
        str, Meta(description="Size of an actor's file: arguments or answers of functions; -1 is no limit.")
    ] = "1100m"
    max_files_size: Annotated[
        str, Meta(description="Disk space of the files of all actors of one owner; -1 is no limit.")
    ] = "20g"
    file_ex: Annotated[
        int, Meta(ge=1_800, description="Seconds a file is kept that nobody uses; result_ex if that is longer.")
    ] = 3_600
    min_free_space: Annotated[
        str, Meta(description="Disk space that pushed images and actors' files leave free; -1 is none.")
    ] = "1g"
    sync_timeout_seconds: Annotated[
        float,
        Meta(gt=0, description="How long a synchronous message is waited for before the request is answered 202."),
    ] = 300.0
    max_sync_waiting: Annotated[
        int,
        Meta(ge=4, description="Requests that may wait for their executions at once; of one user a quarter of that."),
    ] = 256
    max_followers: Annotated[
        int,
        Meta(ge=4, description="Requests that may follow logs at once; of one user a quarter of that."),
    ] = 256
    max_content_length: Annotated[int, Meta(ge=1, description="Bytes of a binary message.")] = 500_000_000
    max_batch_bytes: Annotated[int, Meta(ge=1, description="Bytes of a request that brings many messages.")] = (
        67_108_864
    )
    max_log_length: Annotated[int, Meta(ge=1, description="Characters kept of an execution's log.")] = 1_000_000
    log_ex: Annotated[int, Meta(ge=1, description="Seconds a log is kept when its actor sets no log_ex.")] = 43_200
    log_ex_limit: Annotated[int, Meta(ge=1, description="Seconds a log is kept at most, whatever log_ex says.")] = (
        86_400
    )
    result_ex: Annotated[int, Meta(ge=1, description="Seconds a result waits to be read.")] = 3_600
    search_max_limit: Annotated[
        int, Meta(ge=1_000, le=10_000, description="Entries a search returns at most, whatever its limit says.")
    ] = 1_000
    search_seconds: Annotated[
        float, Meta(gt=0, description="How long the database may work on a search before it is stopped.")
    ] = 5.0
    search_concurrency: Annotated[
        int, Meta(ge=1, le=100, description="Searches that are worked on at once; others wait their turn.")
    ] = 4
    start_tries: Annotated[
        int, Meta(ge=1, description="Attempts to start an execution's container before its actor goes to ERROR.")
    ] = 6
    max_attempts: Annotated[
        int, Meta(ge=1, description="Attempts after which a message lost with its engine ends in ERROR.")
    ] = 10
    drain_seconds: Annotated[
        float, Meta(ge=0, description="How long a stopping server waits for running executions before it kills them.")
    ] = 5.0
    lease_seconds: Annotated[
        float, Meta(ge=1, description="How long an engine that went silent keeps its messages.")
    ] = 15.0
    metrics_access: Annotated[
        Literal["local", "public", "admin"],
        Meta(
            description="Who reads /metrics without an admin's token: clients on this machine (local), all (public), "
            "nobody (admin)."
        ),
    ] = "local"
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], Meta(description="Least severity the server writes to stderr.")
    ] = "info"

    def __post_init__(self) -> None:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError("tls_cert and tls_key go together: set both or neither")
        for name in ("oidc_issuer", "oidc_jwks_url"):
            _require_provider_url(name, getattr(self, name))
        if self.oidc_issuer and not self.oidc_audience:
            raise ValueError("oidc_issuer needs oidc_audience, or tokens made for other services would do here")
        if self.access_control == "none" and self.host not in _LOOPBACK:
            raise ValueError("access_control none makes everyone admin: it needs host to be a loopback address")
        for name in _SIZES:
            try:
                memory_bytes(getattr(self, name))
            except InvalidInput as error:
                raise ValueError(error.message.removesuffix(".").replace("mem_limit", name)) from None
        self.mount_rules  # noqa: B018 - raises
        try:
            require_queues(self.all_queues)
        except InvalidInput as error:
            raise ValueError(f"queues: {error.message.removesuffix('.')}") from None
        if _network("container_subnet", self.container_subnet).num_addresses < _FEWEST_ADDRESSES:
            raise ValueError(f"container_subnet must have {_FEWEST_ADDRESSES} addresses or more, such as 10.213.0.0/16")
        for network in self.blocked_networks:
            _network("blocked_networks", network)

    @property
    def base_url(self) -> str:
        """The URL of the API as users write it, without a trailing slash.

        Without a port where it goes without saying: agavepy sends its token only to URLs that name none.
        """
        if self.api_server:
            return self.api_server.rstrip("/")
        scheme, usual_port = ("https", 443) if self.tls_cert else ("http", 80)
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::"} else self.host  # noqa: S104 - compared, not bound
        return f"{scheme}://{host}" if self.port == usual_port else f"{scheme}://{host}:{self.port}"

    @property
    def mount_rules(self) -> MountRules:
        """Raises ValueError if one of the settings about mounts is wrong."""
        work = () if self.work_directory is None else (f"{self.work_directory}:{WORK_PATH}:rw",)
        return MountRules(
            _mounts((*self.global_mounts, *work)),
            {tenant: _mounts((*rows, *work)) for tenant, rows in self.tenant_mounts.items()},
            _mounts(self.privileged_mounts),
        )

    @property
    def all_queues(self) -> dict[str, Queue]:
        """The queues by name, the default one included."""
        return {
            name: Queue(
                max_workers=self.max_workers if one.max_workers is None else one.max_workers,
                mem_limit=self.mem_limit if one.mem_limit is None else one.mem_limit,
                max_cpus=self.max_cpus if one.max_cpus is None else one.max_cpus,
                gpus=one.gpus,
            )
            for name, one in {DEFAULT_QUEUE: QueueSettings(), **self.queues}.items()
        }

    @property
    def database_url(self) -> str:
        return self.database or f"sqlite:///{self.data}/abaco.db"


def _mounts(rows: Iterable[str]) -> tuple[MountPoint, ...]:
    return tuple(map(parse_mount, rows))


def _network(name: str, text: str) -> IPv4Network:
    """The network that the setting says. Raises ValueError with the setting's name."""
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _require_provider_url(name: str, url: str | None) -> None:
    """Keys that came without TLS are anybody's. Raises ValueError."""
    if url is None or url.startswith("https://"):
        return
    if not url.startswith("http://") or urlsplit(url).hostname not in _LOOPBACK:
        raise ValueError(f"{name} must be an https:// URL")
