"""Giving what is sealed a new key, with the server running or not."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from abaco.ports import SealedRepository
from abaco.services.vault import Vault

__all__ = ["KeyRotation"]


class KeyRotation:
    """`read_keys` and `write_keys` are those of the key file; writing is atomic. `alone` waits for other rotations.

    At every moment the file holds a key for everything that is sealed: new keys are added before anything is sealed
    with them, and former ones go when nothing needs them any more. So it may be interrupted anywhere and done again.
    """

    def __init__(
        self,
        sealed: Sequence[SealedRepository],
        vault: Vault,
        read_keys: Callable[[], Sequence[str]],
        write_keys: Callable[[Sequence[str]], None],
        alone: Callable[[], AbstractContextManager[object]],
    ) -> None:
        self._sealed = sealed
        self._vault = vault
        self._read_keys = read_keys
        self._write_keys = write_keys
        # Two at once would each drop the other's new key, with all that was sealed with it.
        self._alone = alone

    def rotate(self) -> int:
        """Add a new key and seal everything with it; how many values. Former keys stay readable."""
        with self._alone():
            self._write_keys([Vault.new_key(), *self._read_keys()])
            return self._seal_anew()

    def forget_former(self) -> int:
        """Drop all keys but the current one, once nothing is sealed with them; how many values were sealed anew.

        A process that read the keys just before a rotation may have sealed one more value with the former key: so
        this is a step of its own, to be taken some time later.
        """
        with self._alone():
            count = self._seal_anew()
            self._write_keys(self._read_keys()[:1])
            return count

    def _seal_anew(self) -> int:
        count = 0
        for repository in self._sealed:
            for key, sealed in repository.sealed():
                if not self._vault.is_current(sealed):
                    # Only if it is still the same: what was changed meanwhile has the new key.
                    count += repository.reseal(key, sealed, self._vault.seal(self._vault.unseal(sealed)))
        return count
