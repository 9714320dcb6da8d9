"""What keeps the containers of one worker apart from the machine and from each other; prepared once for each worker."""

from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path

from abaco.ports import ContainerSpec, PreparedImage
from abaco.runtime.disk import LayerDisk
from abaco.runtime.kernel import MNT_DETACH, mount_idmapped, umount
from abaco.runtime.namespaces import USERS, Namespaces, UserRanges, descriptor_path
from abaco.runtime.network import Connection, Network
from abaco.runtime.overlay import Overlay, delete_tree

__all__ = ["Cell", "Isolation"]


@dataclass(frozen=True, slots=True)
class Isolation:
    """What holds for all containers of a server.

    `network` None is the machine's own. `users` are the users of the machine that containers have, where nobody's ids
    are known; None does without user namespaces. `disk` is in bytes, None without a limit. `etc` are
    texts of files in the containers' ``/etc``, `hosts` is what all have in theirs of that name, in whole lines, and
    `docker_socket` is for privileged ones. `rootless`: this process is
    root of a user namespace only (`rootless.become_root`); then containers' root is who this process is, in a user
    namespace that has nobody else.
    """

    seccomp: str
    network: Network | None
    users: UserRanges | None
    disk: int | None
    etc: Mapping[str, str] = field(default_factory=dict)
    hosts: str = ""
    docker_socket: Path | None = None
    rootless: bool = False

    @property
    def maps_users(self) -> bool:
        """Whether containers have user namespaces, as a rule."""
        return self.rootless or self.users is not None


class Cell:
    """One worker's, below `directory`. Raises RuntimeUnavailable or OSError if it cannot be made."""

    def __init__(self, isolation: Isolation, image: PreparedImage, directory: Path) -> None:
        self._isolation = isolation
        self._overlays: dict[bool, Overlay] = {}
        self._rootfs = image.rootfs
        self._directory = directory
        with ExitStack() as undo:
            directory.mkdir(exist_ok=True)
            directory.chmod(0o711)
            undo.callback(delete_tree, directory)
            self._first_user = 0
            if isolation.users is None:
                self._namespaces = Namespaces(0, 1 if isolation.rootless else USERS)
            else:
                users = undo.enter_context(isolation.users.one())
                self._first_user = users.first
                self._namespaces = Namespaces(users.first, creator=users.creator)
            undo.callback(self._namespaces.close)
            self._connection: Connection | None = None
            if isolation.network is not None:
                self._connection = isolation.network.connect(directory.name, self._namespaces)
                undo.callback(self._connection.close)
            self._layers = directory
            if isolation.disk is not None:
                disk = LayerDisk(directory, isolation.disk)
                undo.callback(disk.remove)
                self._layers = disk.root
            self._undo = undo.pop_all()

    def is_mapped(self, spec: ContainerSpec) -> bool:
        """Whether the container's users are not the machine's: unless it is to run as one of them."""
        isolation = self._isolation
        return isolation.maps_users and not spec.privileged and (isolation.rootless or spec.user is None)

    def overlay(self, *, mapped: bool) -> Overlay:
        """Where the root of the next container comes from."""
        if mapped not in self._overlays:
            self._overlays[mapped] = self._make_overlay(mapped=mapped)
        return self._overlays[mapped]

    def network(self) -> str | None:
        """The path of the network namespace; None for the machine's own."""
        return None if self._isolation.network is None else descriptor_path(self._namespaces.network)

    def users(self, *, mapped: bool) -> str | None:
        """The path of the user namespace; None for the machine's own."""
        return descriptor_path(self._namespaces.user) if mapped else None

    def received_bytes(self) -> int:
        """What containers have received over their own network so far."""
        return self._connection.received_bytes() if self._connection else 0

    def close(self) -> None:
        self._undo.close()

    def _make_overlay(self, *, mapped: bool) -> Overlay:
        name = "mapped" if mapped else "plain"
        lower = self._rootfs
        if mapped and not self._isolation.rootless:
            # The image's files belong to the machine's users; in the container they must belong to the container's.
            lower = self._directory / "lower"
            lower.mkdir()
            mount_idmapped(self._rootfs, lower, self._namespaces.user)
            self._undo.callback(_unmount, lower)
        owner = self._first_user if mapped else 0
        root = self._directory / f"{name}-root"
        return Overlay(lower, self._layers / name, root, owner, rootless=self._isolation.rootless)


def _unmount(place: Path) -> None:
    with suppress(OSError):
        umount(place, MNT_DETACH)
