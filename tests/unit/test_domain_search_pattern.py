"""Patterns: what they match is what Python's own engine says, and none takes long."""

import random
import re

import pytest

from abaco.domain.search_pattern import pattern_of
from abaco.errors import InvalidInput

TEXTS = ["", "a", "b", "ab", "abc", "aab", "xaby", "a\nb", "A", "aB3_ -", "é", "()[]", "aaa", "bab", "12:34", "\n", "]"]


@pytest.mark.parametrize(
    "source",
    [
        *[
            "",
            "a",
            "abc",
            "a.c",
            "a|b",
            "^a",
            "a$",
            "^$",
            "^a$",
            "a*",
            "a+b",
            "ab?",
            "(ab)+",
            "(?:ab)*c",
            "a{2}",
            "a{2,}",
        ],
        *["a{1,2}b", "[ab]", "[^ab]", "[a-c]+", r"\d+:\d+", r"\w\s", r"\S", r"\W", r"[\d_]", r"\.", r"\(\)", r"[\]]"],
        *[
            "(?i)AB",
            "(?i)[a-b]",
            "a*?b",
            "(a|b|)c",
            "(^a|b$)",
            "a||b",
            "()",
            "(a*)*",
            "(a|a)*b",
            ".",
            "^.*$",
            "{",
            "a{",
            "]",
        ],
        *["a{,2}", r"\n", "[]a]", "[^]a]", "[a-]", r"[\-a]", r"\\", "é", "[é-ü]", "(?i)é", "x*y*z*", "^(ab|a)(bc|c)?$"],
    ],
)
def test_patterns_match_as_python_has_it(source: str) -> None:
    theirs = re.compile(source.replace("$", r"\Z"), re.ASCII if "(?i)" not in source else 0)
    if source == "a{,2}":  # to Python 0 to 2, to others the text: we go with these
        theirs = re.compile(r"a\{,2\}")
    found = [pattern_of(source).matches(text) for text in TEXTS]
    assert found == [theirs.search(text) is not None for text in TEXTS]


def test_random_patterns_match_as_python_has_it() -> None:
    choice = random.Random(7)

    def make(depth: int) -> str:
        kind = choice.randrange(7 if depth else 3)
        if kind < 3:
            return choice.choice(["a", "b", "[ab]", "[^a]", ".", "c"])
        if kind == 3:
            return make(depth - 1) + make(depth - 1)
        if kind == 4:
            return f"({make(depth - 1)}|{make(depth - 1)})"
        if kind == 5:
            return f"({make(depth - 1)}){choice.choice(['*', '+', '?', '{2}', '{0,2}', '{1,}'])}"
        return choice.choice(["^", ""]) + make(depth - 1) + choice.choice([r"$", ""])

    for _ in range(300):
        source = make(4)
        theirs = re.compile(source.replace("$", r"\Z"))
        for _ in range(10):
            text = "".join(choice.choices("abc\n", k=choice.randrange(9)))
            assert pattern_of(source).matches(text) is (theirs.search(text) is not None), (source, text)


@pytest.mark.parametrize("source", ["(a+)+$", "(a|aa)+$", "(a*)*b", "^(([a-z])+.)+[A-Z]([a-z])+$", "a*a*a*a*a*b"])
def test_what_hangs_other_engines_does_not_hang_this_one(source: str) -> None:
    """Python's own needs years for these."""
    assert not pattern_of(source).matches("a" * 50_000 + "!")


def test_a_pattern_that_needs_too_much_memory_is_refused() -> None:
    pattern = pattern_of("(a|b)*a(a|b){20}c")
    text = "".join(random.Random(1).choices("ab", k=20_000))
    with pytest.raises(InvalidInput, match="too complex"):
        pattern.matches(text)


@pytest.mark.parametrize(
    ("source", "saying"),
    [
        ("(", "not closed"),
        (")", "closes nothing"),
        ("[", "not closed"),
        ("[a", "not closed"),
        ("[a\\", "not closed"),
        ("*a", "nothing before"),
        ("+", "nothing before"),
        ("a**", "two repetitions"),
        ("a{2}{3}", "two repetitions"),
        ("^*", "cannot be repeated"),
        ("a\\", "backslash"),
        ("\\1", "not supported"),
        ("\\b", "not supported"),
        ("(?=a)", "only"),
        ("(?P<n>a)", "only"),
        ("a(?i)b", "only"),
        ("[[:alpha:]]", "not supported"),
        ("[b-a]", "downwards"),
        ("a{101}", "<= 100"),
        ("a{3,2}", "<= 100"),
        ("((a{100}){100}){100}", "too long"),
        ("(" * 60 + ")" * 60, "nested"),
        ("a" * 501, "500 characters"),
        ("\0", "NUL"),
    ],
)
def test_what_is_no_pattern(source: str, saying: str) -> None:
    with pytest.raises(InvalidInput, match=saying):
        pattern_of(source)


def test_plain_text_is_known_as_such() -> None:
    assert pattern_of("py3_func").literal == "py3_func"
    assert pattern_of(r"a\.b").literal == "a.b"
    assert pattern_of("a.b").literal is None
    assert pattern_of("(?i)a").literal is None
