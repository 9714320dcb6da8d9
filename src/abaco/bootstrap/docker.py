"""Wires what runs containers by the Docker engine: settings in, a runtime and its images out."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from abaco.bootstrap.machine import Api
from abaco.domain.actor import memory_bytes
from abaco.ports import Clock
from abaco.runtime.cgroup import instance_name
from abaco.runtime.docker.engine import DockerEngine
from abaco.runtime.docker.images import DockerImages
from abaco.runtime.docker.location import engine_socket
from abaco.runtime.docker.network import HOST_NETWORK, Bridge, ContainerNetwork
from abaco.runtime.docker.runtime import DockerRuntime
from abaco.runtime.docker.sandbox import Terms
from abaco.runtime.forwarder import Forwarder
from abaco.settings import Settings

__all__ = ["open_docker", "open_docker_images"]

_EVERYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - compared, not bound


@contextmanager
def open_docker(settings: Settings, clock: Clock) -> Iterator[tuple[DockerRuntime, DockerImages]]:
    """Raises RuntimeUnavailable if there is no engine, or none that will do."""
    with ExitStack() as leave:
        engine = leave.enter_context(DockerEngine(engine_socket()))
        engine.require()
        privileged_socket = settings.privileged_docker_socket
        terms = Terms(
            network=_network(settings, engine, leave),
            disk=memory_bytes(settings.disk_limit),
            docker_socket=Path(privileged_socket) if privileged_socket else None,
        )
        yield DockerRuntime(settings.data, clock, engine, terms), DockerImages(_directory(settings), engine)


@contextmanager
def open_docker_images(settings: Settings) -> Iterator[DockerImages]:
    """The images alone; the engine is asked when they are. Raises RuntimeUnavailable if DOCKER_HOST will not do."""
    with DockerEngine(engine_socket()) as engine:
        yield DockerImages(_directory(settings), engine)


def _directory(settings: Settings) -> Path:
    return settings.data / "images"


def _network(settings: Settings, engine: DockerEngine, leave: ExitStack) -> ContainerNetwork:
    if settings.network == "host":
        return HOST_NETWORK
    bridge = Bridge(engine, instance_name(settings.data), internal=settings.network == "none")
    api = Api(settings)
    address = api.find()
    bridge.protect(settings.blocked_networks, address[1] if address else api.outer_port())
    if address is None or not ip_address(address[0]).is_loopback:
        return bridge.network("")
    if settings.host not in _EVERYWHERE:  # else the API listens at the bridge, too
        forwarder = Forwarder()
        leave.callback(forwarder.close)
        leave.callback(bridge.forward(forwarder, address).close)
    return bridge.network(urlsplit(settings.base_url).hostname or "")
