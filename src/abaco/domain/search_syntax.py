"""How patterns are spelled: from text to a tree, and from the tree to PostgreSQL's spelling."""

import re
from dataclasses import dataclass

from abaco.errors import InvalidInput

__all__ = ["Alternatives", "Chars", "End", "Node", "Repeat", "Sequence", "Start", "parse_pattern"]

_MAX_LENGTH = 500
_MAX_DEPTH = 50
_MAX_COUNT = 100
_LAST = 0x10FFFF
_COUNT = re.compile(r"\{([0-9]{1,4})(,([0-9]{1,4})?)?\}")
_DIGITS = ((48, 57),)
_WORD = ((48, 57), (65, 90), (95, 95), (97, 122))
_SPACE = ((9, 13), (32, 32))
_NAMED = {"d": _DIGITS, "w": _WORD, "s": _SPACE}
_CONTROL = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v"}

Ranges = tuple[tuple[int, int], ...]


def _spell(code: int) -> str:
    """A character as PostgreSQL takes it anywhere, also in brackets."""
    char = chr(code)
    return char if char.isascii() and char.isalnum() else f"\\U{code:08X}"


@dataclass(frozen=True, slots=True)
class Chars:
    """One character of a class; `letter` if it is that one only."""

    ranges: Ranges
    negated: bool = False
    letter: str | None = None

    def has(self, code: int) -> bool:
        return any(low <= code <= high for low, high in self.ranges) is not self.negated

    def posix(self) -> str:
        if self.letter is not None:
            return _spell(ord(self.letter))
        inside = "".join(_spell(low) if low == high else f"{_spell(low)}-{_spell(high)}" for low, high in self.ranges)
        return f"[{'^' if self.negated else ''}{inside}]"


@dataclass(frozen=True, slots=True)
class Start:
    def posix(self) -> str:
        return "^"


@dataclass(frozen=True, slots=True)
class End:
    def posix(self) -> str:
        return "$"


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: "tuple[Node, ...]"

    def posix(self) -> str:
        return "".join(part.posix() for part in self.parts)


@dataclass(frozen=True, slots=True)
class Alternatives:
    branches: "tuple[Node, ...]"

    def posix(self) -> str:
        return f"(?:{'|'.join(branch.posix() for branch in self.branches)})"


@dataclass(frozen=True, slots=True)
class Repeat:
    """At least `low` times, at most `high` (None: any number)."""

    part: "Node"
    low: int
    high: int | None

    def posix(self) -> str:
        return f"(?:{self.part.posix()}){{{self.low},{'' if self.high is None else self.high}}}"


Node = Chars | Start | End | Sequence | Alternatives | Repeat


def parse_pattern(source: str) -> Node:
    """The tree of `source`; raises InvalidInput saying what is wrong or not supported."""
    if len(source) > _MAX_LENGTH:
        raise InvalidInput(f"A pattern may have {_MAX_LENGTH} characters at most.")
    if "\0" in source:
        raise InvalidInput("A pattern may not hold a NUL character.")
    return _Parser(source).parse()


class _Parser:
    def __init__(self, source: str) -> None:
        self._fold = source.startswith("(?i)")
        self._text = source[4:] if self._fold else source
        self._at = 0
        self._depth = 0

    def parse(self) -> Node:
        tree = self._alternatives()
        if self._at < len(self._text):
            raise self._wrong("a ')' closes nothing; write \\) for the character")
        return tree

    def _wrong(self, problem: str) -> InvalidInput:
        return InvalidInput(f"The pattern is not a regular expression that can be searched for: {problem}.")

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]

    def _take(self) -> str:
        char = self._peek()
        self._at += 1
        return char

    def _alternatives(self) -> Node:
        branches = [self._sequence()]
        while self._peek() == "|":
            self._at += 1
            branches.append(self._sequence())
        return branches[0] if len(branches) == 1 else Alternatives(tuple(branches))

    def _sequence(self) -> Node:
        parts: list[Node] = []
        while self._peek() not in {"", "|", ")"}:
            parts.append(self._repeated(self._atom()))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _repeated(self, part: Node) -> Node:
        bounds = self._bounds()
        if bounds is None:
            return part
        if isinstance(part, Start | End):
            raise self._wrong("^ and $ cannot be repeated; write \\^ or \\$ for the characters")
        if self._peek() == "?":  # how much is taken first does not matter to whether it occurs
            self._at += 1
        if self._peek() in {"*", "+"} or self._bounds() is not None:
            raise self._wrong("two repetitions follow each other; put the first in a group")
        return Repeat(part, *bounds)

    def _bounds(self) -> tuple[int, int | None] | None:
        """The repetition that comes next, if one does."""
        char = self._peek()
        if char in {"*", "+", "?"} and char:
            self._at += 1
            return (1 if char == "+" else 0), (1 if char == "?" else None)
        match = _COUNT.match(self._text, self._at)
        if match is None:
            return None
        self._at = match.end()
        low = int(match[1])
        high = (int(match[3]) if match[3] else None) if match[2] else low
        if low > _MAX_COUNT or (high or 0) > _MAX_COUNT or (high is not None and high < low):
            raise self._wrong(f"repetitions {{m,n}} need m <= n <= {_MAX_COUNT}")
        return low, high

    def _atom(self) -> Node:
        char = self._take()
        match char:
            case "^":
                return Start()
            case "$":
                return End()
            case ".":
                return Chars(((10, 10),), negated=True)
            case "(":
                return self._group()
            case "[":
                return self._class()
            case "\\":
                return self._escape()
            case "*" | "+" | "?":
                raise self._wrong(f"there is nothing before {char} to repeat; write \\{char} for the character")
            case _:
                return self._letter(char)

    def _letter(self, char: str) -> Chars:
        if self._fold:
            cases = {one for one in (char, char.lower(), char.upper()) if len(one) == 1}
            if len(cases) > 1:
                return Chars(tuple(sorted((ord(one), ord(one)) for one in cases)))
        return Chars(((ord(char), ord(char)),), letter=char)

    def _group(self) -> Node:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise self._wrong(f"groups are nested more than {_MAX_DEPTH} deep")
        if self._peek() == "?":
            if not self._text.startswith("?:", self._at):
                raise self._wrong("of the groups that begin with (? only (?: is supported, and (?i) in front")
            self._at += 2
        inside = self._alternatives()
        if self._take() != ")":
            raise self._wrong("a '(' is not closed; write \\( for the character")
        self._depth -= 1
        # A group of its own, so that what follows repeats all of it.
        return inside if isinstance(inside, Chars | Alternatives | Repeat) else Alternatives((inside,))

    def _escape(self) -> Chars:
        char = self._take()
        if not char:
            raise self._wrong("it ends in a backslash; write two for the character")
        if char.lower() in _NAMED:
            return Chars(_NAMED[char.lower()], negated=char.isupper())
        return self._letter(self._plain(char))

    def _plain(self, char: str) -> str:
        """The character that an escape stands for."""
        if char in _CONTROL:
            return _CONTROL[char]
        if char.isascii() and char.isalnum():
            raise self._wrong(f"\\{char} is not supported")
        return char

    def _class(self) -> Chars:
        negated = self._peek() == "^"
        self._at += negated
        ranges: list[tuple[int, int]] = []
        first = True
        while first or self._peek() != "]":
            first = False
            ranges += self._member()
        self._at += 1
        if self._fold:
            ranges += [pair for low, high in ranges for pair in _other_case(low, high)]
        return Chars(tuple(sorted(set(ranges))), negated=negated)

    def _member(self) -> list[tuple[int, int]]:
        char = self._take()
        if not char:
            raise self._wrong("a '[' is not closed; write \\[ for the character")
        if char == "[" and self._peek() in {":", ".", "="} and self._peek():
            raise self._wrong("classes such as [:alpha:] are not supported")
        if char == "\\" and self._peek() in _NAMED:
            return list(_NAMED[self._take()])
        low = ord(self._member_char(char))
        if self._peek() != "-" or self._text[self._at + 1 : self._at + 2] in {"]", ""}:
            return [(low, low)]
        self._at += 1
        high = ord(self._member_char(self._take()))
        if high < low:
            raise self._wrong("a range in [] goes downwards")
        return [(low, high)]

    def _member_char(self, char: str) -> str:
        if char != "\\":
            return char
        escaped = self._take()
        if not escaped:
            raise self._wrong("a '[' is not closed; write \\[ for the character")
        return self._plain(escaped)


def _other_case(low: int, high: int) -> list[tuple[int, int]]:
    """The ASCII letters of a range in the other case."""
    pairs = []
    for first, last, shift in ((65, 90, 32), (97, 122, -32)):
        start, stop = max(low, first), min(high, last)
        if start <= stop:
            pairs.append((start + shift, stop + shift))
    return pairs
