"""The query language of searches."""

from datetime import UTC, datetime
from typing import Any

import pytest

from abaco.domain.search import (
    Collection,
    Condition,
    Like,
    OneOf,
    SearchQuery,
    Within,
    asks_to_search,
    collection_of,
    parse_query,
)
from abaco.domain.search_match import passes, textual
from abaco.domain.search_pattern import pattern_of
from abaco.domain.search_words import occurs, phrase_of
from abaco.errors import InvalidInput, NotFound

MAX = 1000


def query(*pairs: tuple[str, str]) -> SearchQuery:
    return parse_query(pairs, MAX)


def condition(key: str, value: str) -> Condition:
    (only,) = query((key, value)).conditions
    return only


def value(key: str, text: str) -> Any:
    test = condition(key, text).test
    assert isinstance(test, OneOf)
    (only,) = test.values
    return only


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


# --- the query ---


def test_nothing_asked_finds_everything() -> None:
    assert query() == SearchQuery((), (), (), 0, 100)


@pytest.mark.parametrize("name", ["x-nonce", "pretty", "follow"])
def test_cosmetic_parameters_are_no_conditions(name: str) -> None:
    assert query((name, "true")) == query()
    assert not asks_to_search([(name, "1")])
    assert asks_to_search([(name, "1"), ("limit", "1")])


@pytest.mark.parametrize("name", ["actors", "ACTORS", "Actors"])
def test_a_collection_may_be_named_in_any_case(name: str) -> None:
    assert collection_of(name) is Collection.ACTORS


def test_an_unknown_collection_is_not_found() -> None:
    with pytest.raises(NotFound, match="actors, executions, workers, logs"):
        collection_of("nonces")


def test_all_conditions_count_even_repeated_ones() -> None:
    found = query(("io.gt", "1"), ("io.lt", "9"), ("io.gt", "2")).conditions
    assert [one.test for one in found] == [
        Within(low=1, with_low=False),
        Within(high=9, with_high=False),
        Within(low=2, with_low=False),
    ]


def test_several_words_and_phrases_may_be_given() -> None:
    found = query(("search", "sleep_loop  Wc"), ("exactsearch", "abacosamples/Test"), ("search", "x"))
    assert found.words == (("sleep", "loop"), ("wc",), ("x",))
    assert found.exact == (("abacosamples", "test"),)


@pytest.mark.parametrize("text", ["", "  ", "---"])
@pytest.mark.parametrize("name", ["search", "exactsearch"])
def test_words_must_have_letters_or_digits(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"{name} needs at least one word"):
        query((name, text))


def test_paging() -> None:
    found = query(("skip", "4"), ("limit", "0"))
    assert (found.skip, found.limit) == (4, 0)
    assert query(("offset", "7")).skip == 7
    assert query(("limit", "1000000")).limit == MAX


@pytest.mark.parametrize("name", ["skip", "limit", "offset"])
@pytest.mark.parametrize("text", ["-1", "1.5", "many", "", "None", "9" * 17, "9" * 400, "\u0661"])
def test_paging_takes_whole_numbers_only(name: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=name):
        query((name, text))


@pytest.mark.parametrize("names", [("limit", "limit"), ("skip", "offset")])
def test_paging_is_said_once(names: tuple[str, str]) -> None:
    with pytest.raises(InvalidInput, match="once only"):
        query((names[0], "1"), (names[1], "1"))


def test_a_search_has_bounds() -> None:
    with pytest.raises(InvalidInput, match="50 conditions"):
        query(*[("io", "1")] * 51)
    with pytest.raises(InvalidInput, match="20 words"):
        query(*[("search", "a")] * 21)
    with pytest.raises(InvalidInput, match="50 at most"):
        query(("exactsearch", "a " * 51))
    with pytest.raises(InvalidInput, match="500 characters"):
        query(("a" * 501, "1"))


# --- fields and operators ---


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("image", ("image",)),
        ("defaultEnvironment.fooBar", ("default_environment", "fooBar")),
        ("default_environment.foo", ("default_environment", "foo")),
        ("finalState.FinishedAt.gt", ("final_state", "FinishedAt")),
        ("final_state.OOMKilled", ("final_state", "OOMKilled")),
        ("state.count", ("state", "count")),
        ("state.initial", ("state", "initial")),
        ("state.in.eq", ("state", "in")),
        ("state.like.deep", ("state", "like", "deep")),
        ("useContainerUid", ("use_container_uid",)),
        ("_links.self", ("_links", "self")),
        ("in", ("in",)),
    ],
)
def test_names_of_fields(key: str, path: tuple[str, ...]) -> None:
    assert condition(key, "2020").path == path


@pytest.mark.parametrize("key", ["", ".", ".eq", "a..b", "a.", "a..eq"])
def test_a_condition_needs_a_field(key: str) -> None:
    with pytest.raises(InvalidInput, match="does not name a field"):
        query((key, "1"))


@pytest.mark.parametrize(
    ("operator", "text", "test", "negated"),
    [
        ("", "5", OneOf((5,)), False),
        (".eq", "5", OneOf((5,)), False),
        (".neq", "5", OneOf((5,)), True),
        (".lt", "5", Within(high=5, with_high=False), False),
        (".lte", "5", Within(high=5), False),
        (".gt", "5", Within(low=5, with_low=False), False),
        (".gte", "5", Within(low=5), False),
        (".in", '["COMPLETE", "READY"]', OneOf(("COMPLETE", "READY")), False),
        (".in", "['COMPLETE', 5, null, true]", OneOf(("COMPLETE", 5, None, True)), False),
        (".in", "[“BUSY”,”READY”]", OneOf(("BUSY", "READY")), False),
        (".in", "[]", OneOf(()), False),
        (".nin", '["A"]', OneOf(("A",)), True),
        (".like", "5", Like(pattern_of("5")), False),
        (".nlike", "a|b", Like(pattern_of("a|b")), True),
        (".between", "1, 9", Within(1, 9), False),
        (".between", " -1.5 ,2e3 ", Within(-1.5, 2000), False),
    ],
)
def test_operators(operator: str, text: str, test: Any, negated: bool) -> None:
    assert condition(f"io{operator}", text) == Condition(("io",), test, negated)


@pytest.mark.parametrize(
    ("key", "text", "saying"),
    [
        ("io.in", "5", "JSON list"),
        ("io.in", "READY", "JSON list"),
        ("io.in", "[1", "JSON list"),
        ("io.nin", '{"a": 1}', "JSON list"),
        ("io.in", str(list(range(1001))), "1000 values"),
        ("io.between", "5", "comma"),
        ("io.between", "1,2,3", "comma"),
        ("io.between", "a,b", "two numbers"),
        ("io.between", "1,b", "two numbers"),
        ("io.between", "true,false", "two numbers"),
        ("io.between", "2020-01-01,2021-01-01", "two numbers"),
        ("start_time.between", "2020,soon", "is not a time"),
        ("start_time.between", "2020,none", "two numbers"),
        ("io.gt", "none", "orders values"),
        ("io.lt", "[1]", "orders values"),
        ("io.gte", '{"a": 1}', "orders values"),
        ("io", "a\0b", "NUL"),
        ("io", '"a\\u0000b"', "NUL"),
        ("io.like", "a\0b", "NUL"),
        ("i\0o", "1", "NUL"),
    ],
)
def test_what_an_operator_cannot_take(key: str, text: str, saying: str) -> None:
    with pytest.raises(InvalidInput, match=saying):
        query((key, text))


# --- values ---


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("true", True),
        ("False", False),
        ("TRUE", True),
        ("none", None),
        ("None", None),
        ("null", None),
        ("5", 5),
        ("-5", -5),
        ("+5", 5),
        ("5.0", 5),
        ("5.25", 5.25),
        (".5", 0.5),
        ("1e3", 1000),
        (" 7 ", 7),
        ("9007199254740993", 9007199254740993),
        ("1" + "0" * 30, 1e30),
        ("1e999", "1e999"),
        ("nan", "nan"),
        ("inf", "inf"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("1_000", "1_000"),
        ("٣", "٣"),
        ('"COMPLETE"', "COMPLETE"),
        ("'COMPLETE'", "COMPLETE"),
        ('"5"', "5"),
        ('"true"', "true"),
        ("COMPLETE", "COMPLETE"),
        ('{"a": [1, 2.0]}', {"a": [1, 2]}),
        ("{'a': 'b'}", {"a": "b"}),
        ("[NaN]", "[NaN]"),
        ("[1e999]", "[1e999]"),
        ('"\\ud800"', '"\\ud800"'),
        ("[" * 5000, "[" * 5000),
        ("", ""),
        ("x' OR 1=1 --", "x' OR 1=1 --"),
        ("2020-01-01", "2020-01-01"),
    ],
)
def test_coercion(text: str, meaning: Any) -> None:
    found = value("field", text)
    assert found == meaning
    assert type(found) is type(meaning)


def test_the_order_of_coercion_for_times() -> None:
    assert value("start_time", "none") is None
    assert value("start_time", "true") is True
    assert value("start_time", "2020") == utc(2020, 1, 1)


@pytest.mark.parametrize(
    "key",
    [
        "start_time",
        "startTime",
        "message_received_time",
        "last_execution_time",
        "last_update_time",
        "finalState.StartedAt",
        "final_state.FinishedAt",
        "create_time",
        "lastHealthCheckTime",
        "finish_time",
        "cron_next_ex",
    ],
)
def test_time_fields(key: str) -> None:
    assert value(key, "2021") == utc(2021, 1, 1)


def test_names_of_users_are_no_time_fields() -> None:
    assert value("state.start_time", "2021") == 2021
    assert value("default_environment.create_time", "soon") == "soon"


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("2020", utc(2020, 1, 1)),
        ("2020Z", utc(2020, 1, 1)),
        ("2020-05", utc(2020, 5, 1)),
        ("2000-05:00", utc(2000, 1, 1, 5)),
        ("2000+05:00", utc(1999, 12, 31, 19)),
        ("2000 05:00", utc(1999, 12, 31, 19)),
        ("2020-04Z", utc(2020, 4, 1)),
        ("2020-04-05:30", utc(2020, 4, 1, 5, 30)),
        ("2020-04-29", utc(2020, 4, 29)),
        ("2020-04-29+06:00", utc(2020, 4, 28, 18)),
        ("2020-04-29 06:00", utc(2020, 4, 28, 18)),
        ("2021-06-24-05:00", utc(2021, 6, 24, 5)),
        ("2020-04-29T20", utc(2020, 4, 29, 20)),
        ("2020-04-29T20-06:00", utc(2020, 4, 30, 2)),
        ("2020-04-29T20:15", utc(2020, 4, 29, 20, 15)),
        ("2020-04-29T20:15-06:00", utc(2020, 4, 30, 2, 15)),
        ("2000-01-01T01:00", utc(2000, 1, 1, 1)),
        ("2000-01-01T01:00:00.000Z", utc(2000, 1, 1, 1)),
        ("2200-12-30T23:59:59.999Z", utc(2200, 12, 30, 23, 59, 59, 999_000)),
        ("2020-04-29T20:15:52-06:00", utc(2020, 4, 30, 2, 15, 52)),
        ("2020-04-29T20:15:52.5", utc(2020, 4, 29, 20, 15, 52, 500_000)),
        ("2020-04-29T20:15:52:246Z", utc(2020, 4, 29, 20, 15, 52, 246_000)),
        ("2020-04-29T20:15:52:246252-06:00", utc(2020, 4, 30, 2, 15, 52, 246_252)),
        ("2020-04-29t20:15z", utc(2020, 4, 29, 20, 15)),
        (" 2020 ", utc(2020, 1, 1)),
    ],
)
def test_partial_datetimes(text: str, meaning: datetime) -> None:
    assert value("start_time", text) == meaning
    assert condition("start_time.gt", text).test == Within(low=meaning, with_low=False)
    assert condition("start_time.in", f'["{text}"]').test == OneOf((meaning,))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "20",
        "20200",
        "2020-13",
        "2020-00",
        "0000",
        "2020-02-30",
        "2020-04-29T24",
        "2020-04-29T20:60",
        "2020-04-29T",
        "2020-04-29 20:15:00",
        "2020-04-29T20:15:52.1234567",
        "2020-04-29T20:15:52.",
        "2020+25:00",
        "2020+05:61",
        "2020+0500",
        "0001+05:00",
        "9999-12-31T23-05:00",
        "٢٠٢٠",
        "-2020",
        "2020-01-01,2021-01-01",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a time"):
        value("start_time", text)


def test_between_two_times() -> None:
    text = "2000-01-01T01:00, 2200-12-30T23:59:59.999Z"
    assert condition("create_time.between", text).test == Within(
        utc(2000, 1, 1, 1), utc(2200, 12, 30, 23, 59, 59, 999_000)
    )


# --- what a condition means for JSON ---

DOCUMENT = {
    "count": 5,
    "half": 2.5,
    "on": True,
    "text": "abc",
    "nothing": None,
    "list": [1, "two", {"three": 3}],
    "deep": {"er": {"est": "x"}},
    "at": "2020-04-29T21:46:53.393Z",
}


@pytest.mark.parametrize(
    ("key", "text", "found"),
    [
        ("count", "5.0", True),
        ("count", '"5"', False),
        ("count", "true", False),
        ("count.neq", "5", False),
        ("count.neq", '"5"', True),
        ("count.gt", "4", True),
        ("count.gt", "5", False),
        ("count.gte", "5", True),
        ("count.lt", "5.5", True),
        ("count.lt", '"9"', False),
        ("count.between", "5,6", True),
        ("count.between", "6,7", False),
        ("count.in", "[1, 5]", True),
        ("count.nin", "[1, 5]", False),
        ("count.like", "5", False),
        ("count.nlike", "5", True),
        ("half.gt", "2", True),
        ("on", "true", True),
        ("on", "1", False),
        ("on.gt", "0", False),
        ("on.gt", "false", True),
        ("text", "abc", True),
        ("text.gt", "abb", True),
        ("text.gt", "1", False),
        ("text.like", "b", True),
        ("text.nlike", "b", False),
        ("nothing", "none", True),
        ("nothing.neq", "none", False),
        ("nothing.lt", "1", False),
        ("nothing.gt", "1", False),
        ("absent", "none", True),
        ("absent.neq", "none", False),
        ("absent.neq", "1", True),
        ("absent.nin", "[1]", True),
        ("absent.in", "[null]", True),
        ("absent.nlike", "a", True),
        ("absent.lt", "1", False),
        ("list", "1", True),
        ("list", "two", True),
        ("list", "3", False),
        ("list.neq", "two", False),
        ("list", '[1, "two", {"three": 3.0}]', True),
        ("list", '["two", 1]', False),
        ("list", '{"three": 3}', True),
        ("list.like", "^tw", True),
        ("list.gt", "0", True),
        ("list.0", "1", True),
        ("list.-1.three", "3", True),
        ("list.2.three", "3", True),
        ("list.3", "none", True),
        ("deep.er.est", "x", True),
        ("deep", '{"er": {"est": "x"}}', True),
        ("deep.er", "x", False),
        ("text.0", "a", False),
    ],
)
def test_conditions_on_json(key: str, text: str, found: bool) -> None:
    one = condition(key, text)
    assert passes(DOCUMENT, one.path, textual(one.test)) is not one.negated or not found
    assert (passes(DOCUMENT, one.path, textual(one.test)) is not one.negated) is found


def test_times_within_json_are_compared_as_the_service_writes_them() -> None:
    test = textual(condition("start_time.gt", "2020-04-29").test)
    assert passes(DOCUMENT, ["at"], test)
    assert not passes(DOCUMENT, ["at"], textual(condition("start_time.gt", "2021").test))


# --- words ---


@pytest.mark.parametrize(
    ("phrase", "texts", "found"),
    [
        ("abacosamples/sleep_loop", ["x", "AbacoSamples/sleep_loop:latest"], True),
        ("abacosamples/sleep_loop", ["abacosamples/sleep_loop2"], False),
        ("abacosamples/sleep_loop", ["abacosamples", "sleep_loop"], False),
        ("sleep", ["abacosamples/sleep_loop"], True),
        ("leep", ["abacosamples/sleep_loop"], False),
        ("café", ["un CAFÉ noir"], True),
        ("NOTATHINGWORD", ["nothing"], False),
        ("a a b", ["a a a b"], True),
    ],
)
def test_phrases_occur_word_by_word(phrase: str, texts: list[str], found: bool) -> None:
    assert occurs(phrase_of(phrase), texts) is found
