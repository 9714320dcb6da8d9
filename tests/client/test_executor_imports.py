"""Which modules a function needs where it is called."""

import functools
import json
import json.decoder
import math
import sys

import cloudpickle
import pytest

from abaco.client.executor.imports import imports_of


def at_home() -> str:
    return json.dumps(1)


class Home:
    def method(self) -> float:
        return math.pi


@pytest.fixture(autouse=True)
def sent_whole() -> None:
    cloudpickle.register_pickle_by_value(sys.modules[__name__])


def test_what_is_imported_is_needed() -> None:
    def inside() -> object:
        import email.message

        return [email.message for _ in range(2)]

    assert imports_of(inside) == {"email"}
    assert imports_of(at_home) == {"json"}
    assert imports_of(lambda: json.decoder) == {"json"}
    assert imports_of(Home) == {"math"}
    assert imports_of(Home().method) == {"math"}
    assert imports_of(functools.partial(pow, at_home)) == {"builtins", "json"}


def test_what_is_named_is_needed_and_nothing_of_it() -> None:
    assert imports_of(json.dumps) == {"json"}
    assert imports_of(imports_of) == {"abaco"}
    assert imports_of(divmod) == {"builtins"}


def test_attributes_are_no_modules_of_the_same_name() -> None:
    assert imports_of(lambda figure: figure.json + 1) == set()


def test_functions_that_use_each_other() -> None:
    function = json.loads

    def first(number: int) -> object:
        return second(number) if number else function

    def second(number: int) -> object:
        return first(number - 1)

    assert imports_of(first) == {"json"}
