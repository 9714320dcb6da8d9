"""Sealing, and rotating keys at any moment."""

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Thread

import pytest

from abaco.bootstrap.admin import open_admin
from abaco.domain.config import Config
from abaco.domain.moment import utc_now
from abaco.errors import InternalError
from abaco.services.key_rotation import KeyRotation
from abaco.services.vault import Vault
from abaco.settings import Settings


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


@pytest.mark.parametrize("keys", [[], ["not a key"], ["a" * 43]])
def test_a_key_file_that_holds_no_key_is_an_error_without_what_it_holds(keys: list[str]) -> None:
    vault = Vault(lambda: keys)
    for use in (vault.seal, vault.unseal, vault.is_current):
        with pytest.raises(InternalError, match="cannot be read") as caught:
            use("text")
        assert not any(key in str(caught.value) for key in keys)


def test_a_rotation_seals_all_anew_and_keeps_the_former_key_for_a_while() -> None:
    file = KeyFile()
    vault, (first,) = Vault(file.read), file.keys
    shelf = Shelf(vault.seal("a"), vault.seal("b"))
    rotation = KeyRotation([shelf], vault, file.read, file.write, nullcontext)
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
    rotation = KeyRotation([shelf], vault, file.read, file.write, nullcontext)
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


def test_rotations_at_the_same_time_lose_no_key(tmp_path: Path) -> None:
    """Each reads the keys, adds one and writes them: whoever comes between drops the other's."""
    settings = Settings(data=tmp_path)

    def read() -> list[str]:
        return (tmp_path / "encryption.key").read_text().split()

    with open_admin(settings, create=True) as admin:
        admin.rotation.rotate()
        sealed = Vault(read).seal("hunter2")
        admin.store.configs.add(Config("c", "T", "c", sealed, True, (), "ada", utc_now()))

    def rotate() -> None:
        with open_admin(settings, create=False) as admin:
            for _ in range(10):
                admin.rotation.rotate()

    threads = [Thread(target=rotate) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(read()) == 32
    with open_admin(settings, create=False) as admin:
        ((_, value),) = admin.store.configs.sealed()
    assert Vault(read).unseal(value) == "hunter2"
