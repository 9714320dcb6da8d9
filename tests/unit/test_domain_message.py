import ast
import json
from typing import Any

import pytest

from abaco.domain.message import ContentType, Payload, message_variables, require_sendable
from abaco.errors import InvalidInput, TooLarge

TEXT, JSON, BINARY = ContentType.TEXT, ContentType.JSON, ContentType.BINARY


def test_text_is_the_message_unchanged() -> None:
    assert message_variables(Payload(TEXT, 'it\'s "so"\n')) == {"MSG": 'it\'s "so"\n'}


@pytest.mark.parametrize(
    "value", [{"event_type": "ACTOR_READY", "n": [1, 2.5, None, True, False, "é'\""]}, [], {}, 0, False, None, -1.5]
)
def test_json_is_a_python_literal_and_a_json_document(value: Any) -> None:
    """Contract 4.3: guest libraries parse MSG as a Python literal only."""
    variables = message_variables(Payload(JSON, value))
    assert variables["MSG"] == repr(value)
    assert ast.literal_eval(variables["MSG"]) == value
    assert json.loads(variables["_abaco_msg_json"]) == value
    assert set(variables) == {"MSG", "_abaco_msg_json"}


def test_a_json_string_is_bare_in_msg_and_quoted_in_the_document() -> None:
    assert message_variables(Payload(JSON, "é")) == {"MSG": "é", "_abaco_msg_json": '"é"'}


def test_a_parsed_value_of_another_content_type_is_its_repr_only() -> None:
    """Contract 4.1, row 4."""
    assert message_variables(Payload(TEXT, {"a": None})) == {"MSG": "{'a': None}"}


def test_binary_data_has_no_variable() -> None:
    assert message_variables(Payload(BINARY, None, 500_000_000)) == {}


@pytest.mark.parametrize("payload", [Payload(TEXT, "a\0b"), Payload(JSON, "a\0b")])
def test_a_nul_character_is_refused_with_advice(payload: Payload) -> None:
    """P7"""
    with pytest.raises(InvalidInput, match=r"NUL.*application/octet-stream"):
        require_sendable(payload)


def test_a_nul_character_inside_a_json_value_is_escaped() -> None:
    require_sendable(Payload(JSON, {"a": "\0"}))


def test_the_longest_text_is_131067_bytes() -> None:
    require_sendable(Payload(TEXT, "x" * 131_067))
    with pytest.raises(TooLarge, match=r"takes 131068 bytes as MSG; .* holds 131067.*application/octet-stream"):
        require_sendable(Payload(TEXT, "x" * 131_068))


def test_json_must_fit_both_ways() -> None:
    """P7: a value may be longer as a Python literal or as a JSON document."""
    quotes = {"a": '"' * 65_600}  # doubled in JSON only
    with pytest.raises(TooLarge, match="_abaco_msg_json"):
        require_sendable(Payload(JSON, quotes))
    controls = {"a": "\x7f" * 33_000}  # \x7f in Python, one byte in JSON
    with pytest.raises(TooLarge, match="as MSG"):
        require_sendable(Payload(JSON, controls))


def test_binary_data_of_any_size_is_sendable() -> None:
    require_sendable(Payload(BINARY, None, 10**12))
