"""Words of full-text searches: what a word is, and whether phrases occur in a text.

A word is a run of letters and digits, in any case: ``abacosamples/sleep_loop`` is a phrase of three. The indexes of
both databases divide texts in the same way.
"""

import re
from collections.abc import Iterable, Sequence

from abaco.errors import InvalidInput

__all__ = ["Phrase", "occurs", "phrase_of", "phrases_of"]

Phrase = tuple[str, ...]
"""Words in lower case that follow each other."""

_WORD = re.compile(r"[^\W_]+")
_MAX_WORDS = 50


def _words(text: str) -> Phrase:
    return tuple(_WORD.findall(text.lower()))


def phrase_of(text: str) -> Phrase:
    """The words of a phrase to find as it is; raises InvalidInput if there are none, or too many."""
    phrase = _words(text)
    if not 1 <= len(phrase) <= _MAX_WORDS:
        raise InvalidInput(f"exactsearch needs at least one word of letters or digits, and {_MAX_WORDS} at most.")
    return phrase


def phrases_of(text: str) -> list[Phrase]:
    """What stands between blanks, each by itself; what has words inside (``sleep_loop``) is a phrase of them."""
    phrases = [phrase for part in text.split() if (phrase := _words(part))]
    if not phrases or any(len(phrase) > _MAX_WORDS for phrase in phrases):
        raise InvalidInput(f"search needs at least one word of letters or digits, and {_MAX_WORDS} at most.")
    return phrases


def occurs(phrase: Phrase, texts: Iterable[str]) -> bool:
    """Whether the words of `phrase` follow each other within one of `texts`."""
    return any(_follows(phrase, _words(text)) for text in texts)


def _follows(phrase: Phrase, words: Sequence[str]) -> bool:
    size = len(phrase)
    return any(tuple(words[start : start + size]) == phrase for start in range(len(words) - size + 1))
