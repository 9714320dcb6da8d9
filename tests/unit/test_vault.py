"""Sealing, and rotating keys at any moment."""

from collections.abc import Sequence

import pytest

from abaco.errors import InternalError
from abaco.services.key_rotation import KeyRotation
from abaco.services.vault import Vault


class Shelf:
    """Sealed values in memory; `crash_after` reseals it fails."""

    def __init__(self, *values: str) -> None:
        self.values = dict(enumerate(values))
        self.crash_after = 1_000

    def sealed(self) -> list[tuple[str, str]]:
        return [(str(number), sealed) for number, sealed in self.values.items()]

    def reseal(self, key: str, former: str, sealed: str) -> bool:
        if not self.crash_after:
            raise ConnectionError
        self.crash_after -= 1
        if self.values[int(key)] != former:
            return False
        self.values[int(key)] = sealed
        return True


class KeyFile:
    def __init__(self) -> None:
        self.keys: list[str] = [Vault.new_key()]

    def read(self) -> list[str]:
        return self.keys

    def write(self, keys: Sequence[str]) -> None:
        self.keys = list(keys)


def test_what_is_sealed_is_not_seen_and_comes_back() -> None:
    vault = Vault(KeyFile().read)
    sealed = vault.seal("hunter2 \N{SNOWMAN}")
    assert "hunter2" not in sealed
    assert vault.unseal(sealed) == "hunter2 \N{SNOWMAN}"
    assert vault.seal("hunter2") != vault.seal("hunter2")


@pytest.mark.parametrize("sealed", ["", "nonsense", "gAAAAABl"])
def test_what_no_key_opens_is_an_error_without_the_value(sealed: str) -> None:
    with pytest.raises(InternalError, match="encryption key"):
        Vault(KeyFile().read).unseal(sealed)


def test_a_rotation_seals_all_anew_and_keeps_the_former_key_for_a_while() -> None:
    file = KeyFile()
    vault, (first,) = Vault(file.read), file.keys
    shelf = Shelf(vault.seal("a"), vault.seal("b"))
    rotation = KeyRotation([shelf], vault, file.read, file.write)
    assert rotation.rotate() == 2
    assert file.keys[1:] == [first]
    assert all(vault.is_current(sealed) for sealed in shelf.values.values())
    late = Vault(lambda: [first]).seal("of a process that had read the former key")
    shelf.values[2] = late
    assert rotation.forget_former() == 1
    assert len(file.keys) == 1
    assert file.keys != [first]
    assert [vault.unseal(sealed) for sealed in shelf.values.values()] == [
        "a",
        "b",
        "of a process that had read the former key",
    ]


@pytest.mark.parametrize("done", [0, 1, 2])
@pytest.mark.parametrize("step", ["rotate", "forget_former"])
def test_a_crash_anywhere_leaves_everything_readable(step: str, done: int) -> None:
    file = KeyFile()
    vault = Vault(file.read)
    shelf = Shelf(*(vault.seal(text) for text in "abc"))
    rotation = KeyRotation([shelf], vault, file.read, file.write)
    if step == "forget_former":
        file.write([Vault.new_key(), *file.keys])
    shelf.crash_after = done
    with pytest.raises(ConnectionError):
        getattr(rotation, step)()
    assert [vault.unseal(sealed) for sealed in shelf.values.values()] == ["a", "b", "c"]
    shelf.crash_after = 1_000
    rotation.rotate()
    rotation.forget_former()
    assert [vault.unseal(sealed) for sealed in shelf.values.values()] == ["a", "b", "c"]
    assert len(file.keys) == 1
