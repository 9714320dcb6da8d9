"""Functions whose arguments and results are too large for messages: they go by files, through real containers."""

import hashlib
import os
import subprocess
import sys
from textwrap import dedent
from typing import Any

import cloudpickle
import pytest
from bench.live import LiveServer

from abaco import Abaco, AbacoExecutor
from abaco.client.executor import images
from abaco.errors import ExecutionFailed, InvalidInput, NotFound

_SECONDS = 120
_LARGE = 80_000_000
# The image lacks this module.
cloudpickle.register_pickle_by_value(sys.modules[__name__])


def changed(data: bytearray) -> bytearray:
    data[0] ^= 1
    return data


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def test_large_arguments_and_results(executor: AbacoExecutor) -> None:
    data = bytearray(os.urandom(_LARGE))
    future = executor.submit(changed, data)
    data[1] ^= 1  # it was sent as it was
    found = future.result(_SECONDS)
    assert isinstance(found, bytearray)
    data[0] ^= 1
    data[1] ^= 1
    assert found == data
    assert executor.submit(len, bytes(_LARGE)).result(_SECONDS) == _LARGE
    assert executor.submit(bytes, _LARGE).result(_SECONDS) == bytes(_LARGE)


def test_large_chunks_of_maps(executor: AbacoExecutor) -> None:
    given = [os.urandom(3_000_000), b"small", os.urandom(4_000_000)]
    for chunksize in (1, 3):
        found: Any = executor.map(lambda data: (digest(data), data), given, chunksize=chunksize)
        assert list(found) == [(digest(data), data) for data in given]


def test_large_functions(executor: AbacoExecutor) -> None:
    table = os.urandom(5_000_000)
    assert list(executor.map(lambda index: table[index], range(100), chunksize=10)) == list(table[:100])


def test_an_answer_over_the_limit(executor: AbacoExecutor) -> None:
    with pytest.raises(ValueError, match=r"it may have \d+ here \(setting max_file_size\)"):
        executor.submit(bytes, 1_300_000_000).result(_SECONDS)
    assert executor.submit(len, b"next").result(_SECONDS) == 4


def test_arguments_over_the_limit(ab: Abaco, executor: AbacoExecutor) -> None:
    with pytest.raises(InvalidInput, match=r"it may have \d+ here \(setting max_file_size\)"):
        executor.submit(len, bytearray(1_200_000_000))
    assert executor.submit(len, b"next").result(_SECONDS) == 4


def test_a_container_with_too_little_memory(ab: Abaco) -> None:
    with AbacoExecutor(ab, num_workers=1, attributes={"mem_limit": "64m"}) as executor:
        with pytest.raises(ExecutionFailed, match="out of memory: the limit is 64m"):
            executor.submit(len, bytes(_LARGE)).result(_SECONDS)
        assert executor.submit(len, b"next").result(_SECONDS) == 4


def test_who_comes_next_gets_large_results_too(ab: Abaco) -> None:
    with AbacoExecutor(ab, name="large", num_workers=1) as executor:
        executor.submit(changed, bytearray(3_000_000))
        executor.map(bytes, [2_000_000, 10], chunksize=2)
    for _ in range(2):
        with AbacoExecutor.attach("large", ab) as executor:
            assert list(executor.results(_SECONDS)) == [b"\1" + bytes(2_999_999), bytes(2_000_000), bytes(10)]
    ab.actors.delete(executor.actor_id)
    with pytest.raises(NotFound):
        ab.files.upload(executor.actor_id, [memoryview(b"x")])


def test_an_image_that_knows_no_files(executor: AbacoExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor._check, "_known", images._Known({"builtins"}, files=False))
    with pytest.raises(InvalidInput, match="was built for an older Abaco"):
        executor.submit(len, bytes(2_000_000))


def test_half_a_gigabyte_of_numpy_there_and_back(server: LiveServer, sci_image: str) -> None:
    """Bit for bit, and with no more than the two arrays in the client's memory; the actor's fit into 1.2 GB."""
    program = dedent(f"""
        import resource
        import numpy as np
        from abaco import AbacoExecutor

        array = np.random.default_rng(1).integers(0, 2**63, 62_500_000)
        with AbacoExecutor(image="{sci_image}", num_workers=1, attributes={{"mem_limit": "1200m"}}) as ex:
            found = ex.submit(lambda given: given[::-1].copy(), array).result()
        print(found.nbytes, found.dtype, found.flags.writeable, np.array_equal(found[::-1], array))
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
    """)
    environment = {**os.environ, "ABACO_SERVER": server.url, "ABACO_TOKEN": server.token}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=_SECONDS)
    assert done.returncode == 0, done.stderr
    found, most = done.stdout.splitlines()
    assert found == "500000000 int64 True True"
    assert 1_000_000_000 < int(most) < 1_500_000_000
