r"""Regular expressions that cannot hang: a common subset without back references, matched in time linear in the text.

Python's own engine backtracks, for hours on a few dozen characters if a pattern means it, with the interpreter locked.
Here a pattern becomes an automaton, built while it is used. PostgreSQL gets the same pattern in its own spelling
(`Pattern.posix`), so that both databases find the same.

The subset: literals, ``.`` (not a newline), classes, ``\d \w \s`` (ASCII) and their opposites, groups, ``|``,
``* + ? {m,n}``, ``^`` and ``$`` for the ends of the text, and ``(?i)`` in front.
"""

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache

from abaco.domain.search_syntax import Alternatives, Chars, End, Node, Repeat, Sequence, Start, parse_pattern
from abaco.errors import InvalidInput

__all__ = ["Pattern", "pattern_of"]

_MAX_STATES = 400
"""Of the automaton as written, counted repetitions spelled out."""
_MAX_SETS = 400
"""Of the automaton as used; patterns that need more are refused instead of filling the memory."""
_MAX_CACHED = 512
_ACCEPT = 0


class _Program:
    """The states of a pattern: what each consumes, and where it goes without consuming anything."""

    def __init__(self, tree: Node) -> None:
        self.chars: dict[int, tuple[Chars, int]] = {}
        self.free: dict[int, list[int]] = {}
        self.at_start: dict[int, int] = {}
        self.at_end: dict[int, int] = {}
        self._count = 1
        self.first = self._add(tree, _ACCEPT)

    def _new(self) -> int:
        self._count += 1
        if self._count > _MAX_STATES:
            raise InvalidInput("The pattern is too long, or its repetitions {m,n} are too many: make it simpler.")
        return self._count

    def _add(self, node: Node, then: int) -> int:
        """The state from which `node` is matched and `then` follows."""
        match node:
            case Chars():
                state = self._new()
                self.chars[state] = (node, then)
                return state
            case Start():
                state = self._new()
                self.at_start[state] = then
                return state
            case End():
                state = self._new()
                self.at_end[state] = then
                return state
            case Sequence(parts):
                for part in reversed(parts):
                    then = self._add(part, then)
                return then
            case Alternatives(branches):
                state = self._new()
                self.free[state] = [self._add(branch, then) for branch in branches]
                return state
            case Repeat():
                return self._repeat(node, then)

    def _repeat(self, node: Repeat, then: int) -> int:
        if node.high is None:
            loop = self._new()
            self.free[loop] = [then]
            self.free[loop].append(self._add(node.part, loop))
            then = loop
        else:
            out = then
            for _ in range(node.high - node.low):
                optional = self._new()
                self.free[optional] = [out, self._add(node.part, then)]
                then = optional
        for _ in range(node.low):
            then = self._add(node.part, then)
        return then

    def closure(self, states: set[int], *, at_start: bool, at_end: bool) -> frozenset[int]:
        """All states reached without consuming anything."""
        seen, waiting = set(states), list(states)
        while waiting:
            state = waiting.pop()
            reached = list(self.free.get(state, ()))
            if at_start and state in self.at_start:
                reached.append(self.at_start[state])
            if at_end and state in self.at_end:
                reached.append(self.at_end[state])
            waiting += [one for one in reached if one not in seen]
            seen.update(reached)
        return frozenset(seen)


class _Set:
    """One state of the automaton as used: where each character leads, as far as known."""

    __slots__ = ("accepts", "by_char", "by_kind", "states")

    def __init__(self, states: frozenset[int]) -> None:
        self.states = states
        self.accepts = _ACCEPT in states
        self.by_char: dict[str, _Set] = {}
        self.by_kind: dict[int, _Set] = {}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern as its user wrote it. `literal` is the text it stands for if it is nothing but that."""

    source: str
    literal: str | None
    posix: str

    def matches(self, text: str) -> bool:
        """Whether it occurs anywhere in `text`; raises InvalidInput if that takes too much memory."""
        if self.literal is not None:
            return self.literal in text
        return _matcher(self.source).matches(text)


class _Matcher:
    def __init__(self, tree: Node) -> None:
        self._program = _Program(tree)
        classes = [chars for chars, _ in self._program.chars.values()]
        edges = {edge for one in classes for low, high in one.ranges for edge in (low, high + 1)}
        # Characters between two edges are alike to every class.
        self._edges = sorted(edges)
        self._sets: dict[frozenset[int], _Set] = {}
        self._begin = self._set(self._program.closure({self._program.first}, at_start=True, at_end=False))
        self._later = self._program.closure({self._program.first}, at_start=False, at_end=False)

    def matches(self, text: str) -> bool:
        current = self._begin
        for char in text:
            if current.accepts:
                return True
            following = current.by_char.get(char)
            current = self._step(current, char) if following is None else following
        ended = self._program.closure(set(current.states), at_start=not text, at_end=True)
        return _ACCEPT in ended

    def _set(self, states: frozenset[int]) -> _Set:
        known = self._sets.get(states)
        if known is None:
            if len(self._sets) >= _MAX_SETS:
                raise InvalidInput("The pattern is too complex: make it simpler.")
            known = self._sets[states] = _Set(states)
        return known

    def _step(self, current: _Set, char: str) -> _Set:
        kind = bisect_right(self._edges, ord(char))
        following = current.by_kind.get(kind)
        if following is None:
            chars = self._program.chars
            reached = {chars[one][1] for one in current.states if one in chars and chars[one][0].has(ord(char))}
            closed = self._program.closure(reached, at_start=False, at_end=False)
            following = current.by_kind[kind] = self._set(closed | self._later)
        if len(current.by_char) < _MAX_CACHED:
            current.by_char[char] = following
        return following


@lru_cache(maxsize=32)
def _matcher(source: str) -> _Matcher:
    return _Matcher(parse_pattern(source))


def pattern_of(source: str) -> Pattern:
    """The pattern that `source` spells; raises InvalidInput saying what is wrong with it."""
    tree = parse_pattern(source)
    _Program(tree)
    return Pattern(source, _literal(tree), tree.posix())


def _literal(tree: Node) -> str | None:
    parts = tree.parts if isinstance(tree, Sequence) else (tree,)
    letters = [part.letter if isinstance(part, Chars) else None for part in parts]
    return None if None in letters else "".join(letter for letter in letters if letter is not None)
