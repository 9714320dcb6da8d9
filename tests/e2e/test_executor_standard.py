"""The standard library's own tests of executors, those that hold for any executor, against a live server."""

import sys
import unittest
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType
from typing import Any

import cloudpickle
import pytest
from bench.live import LiveServer

from abaco import AbacoExecutor

if sys.version_info >= (3, 12):
    pytest.skip("the tests of Python 3.11 are one module", allow_module_level=True)
standard: ModuleType = import_module("test.test_concurrent_futures")
_OTHERS = {
    # Of a parameter that is ours not.
    "test_max_workers_negative",
    # A program of its own that names an executor of the standard library, or prints where it is called.
    "test_interpreter_shutdown",
    "test_submit_after_interpreter_shutdown",
    "test_hang_gh83386",
}
_SUITES = ("ExecutorTest", "WaitTests", "AsCompletedTests", "ExecutorShutdownTest")


@pytest.fixture(scope="module")
def make_executor(server: LiveServer) -> Iterator[Any]:
    """What the tests make their executors with; the image has no module `test`."""
    cloudpickle.register_pickle_by_value(standard)
    with server.client() as ab:
        yield lambda max_workers: AbacoExecutor(ab, num_workers=max_workers)
    cloudpickle.unregister_pickle_by_value(standard)


def _names(suite: str) -> list[str]:
    found = [name for name in dir(getattr(standard, suite)) if name.startswith("test_") and name not in _OTHERS]
    return [f"{suite}.{name}" for name in found]


@pytest.mark.parametrize("name", [name for suite in _SUITES for name in _names(suite)])
def test_executor(name: str, make_executor: Any) -> None:
    suite, _, method = name.partition(".")
    members = {"executor_type": staticmethod(make_executor), "worker_count": 4}
    case = type(suite, (standard.ExecutorMixin, getattr(standard, suite), unittest.TestCase), members)
    _run(case(method))


def _run(case: unittest.TestCase) -> None:
    result = unittest.TestResult()
    case.run(result)
    assert not [text for _, text in result.errors + result.failures], result.errors + result.failures
    assert result.testsRun == 1
