from typing import Any

import pytest

from abaco.domain.environment import (
    MAX_ENVIRONMENT_BYTES,
    MAX_MESSAGE_ENVIRONMENT_BYTES,
    MAX_VARIABLE_BYTES,
    fits,
    render,
    rendered,
    require_environment,
)
from abaco.errors import InvalidInput, TooLarge


@pytest.mark.parametrize(
    ("value", "text"),
    [("bare", "bare"), (3, "3"), (1.5, "1.5"), (True, "True"), ({"a": [None]}, "{'a': [None]}"), (None, "None")],
)
def test_values_are_rendered_as_python_does(value: Any, text: str) -> None:
    """Contract 4.3"""
    assert render(value) == text


def test_a_null_value_leaves_its_variable_unset() -> None:
    assert rendered({"a": None, "b": 0, "c": ""}) == {"b": "0", "c": ""}


def test_131071_bytes_of_name_and_value_just_fit() -> None:
    assert fits("MSG", "x" * (131_071 - 4))
    assert not fits("MSG", "x" * (131_071 - 3))
    assert fits("é", "é" * 65_534)
    assert not fits("é", "é" * 65_534 + "x")


@pytest.mark.parametrize(
    "environment",
    [{}, {"a": "x" * 131_069}, {"with space": 1, "x-nonce": "é\n"}, {f"n{n}": "x" * 100_000 for n in range(10)}],
)
def test_what_a_container_can_have_is_accepted(environment: dict[str, Any]) -> None:
    require_environment(environment, "default_environment")


@pytest.mark.parametrize("environment", [{"": "x"}, {"a=b": "x"}, {"a\0": "x"}, {"a": "x\0"}])
def test_impossible_variables_are_refused(environment: dict[str, Any]) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match=r"default_environment: .*NUL"):
        require_environment(environment, "default_environment")


def test_what_is_too_large_is_refused_naming_the_variable_and_the_limit() -> None:
    """P7"""
    with pytest.raises(TooLarge, match=r"query parameters: 'big' takes 131072 bytes; .* 131071"):
        require_environment({"big": "x" * (MAX_VARIABLE_BYTES - 3)}, "query parameters")
    many = {f"n{n:03}": "x" * (MAX_ENVIRONMENT_BYTES // 16 - 14) for n in range(16)}
    require_environment(many, "label")
    with pytest.raises(TooLarge, match=rf"label takes \d+ bytes in all, 9 for each included; {MAX_ENVIRONMENT_BYTES}"):
        require_environment(many | {"one": "more"}, "label")


def test_many_small_variables_take_more_than_their_letters() -> None:
    """The kernel counts a pointer for each, and would start no container with these."""
    with pytest.raises(TooLarge, match=r"takes \d+ bytes in all"):
        require_environment({f"{n:x}": "" for n in range(100_000)}, "label")


def test_what_a_request_may_add_leaves_room_for_everything_else() -> None:
    full = MAX_VARIABLE_BYTES + 10
    message_state_and_configs = 4 * full
    most = MAX_ENVIRONMENT_BYTES + MAX_MESSAGE_ENVIRONMENT_BYTES + message_state_and_configs
    assert 2 * 1024**2 - most > 128_000
