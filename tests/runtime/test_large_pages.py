"""Memory in large pages."""

import platform
import subprocess
import sys
from pathlib import Path

import pytest

FILL = """
from pathlib import Path
from abaco.runtime import kernel

def large():
    [line] = [line for line in Path("/proc/self/smaps_rollup").read_text().splitlines() if "AnonHugePages" in line]
    return int(line.split()[1])

things = [str(number) for number in range(200_000)]
kernel.use_large_pages()
assert things == [str(number) for number in range(200_000)]
print(large())
"""


def in_large_pages(prelude: str = "") -> int:
    """Kilobytes that a process of its own has in large pages then."""
    run = [sys.executable, "-c", FILL.replace("def large", f"{prelude}\ndef large")]
    return int(subprocess.run(run, check=True, capture_output=True, text=True, timeout=60).stdout)


LINUX = tuple(int(number) for number in platform.release().split(".")[:2])
SETTING = Path("/sys/kernel/mm/transparent_hugepage/enabled")
HAS_THEM = LINUX >= (6, 1) and SETTING.exists() and "[never]" not in SETTING.read_text()


@pytest.mark.skipif(not HAS_THEM, reason="this kernel has none, or is told to give none")
def test_what_is_there_moves_to_large_pages() -> None:
    assert in_large_pages() >= 2048


def test_a_kernel_without_them_is_no_trouble() -> None:
    in_large_pages('kernel._LARGE_PAGE = Path("/nowhere")')
