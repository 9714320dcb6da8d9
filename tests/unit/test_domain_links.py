"""Cycles of links (contract 9)."""

import pytest

from abaco.domain.links import has_cycle


@pytest.mark.parametrize(
    ("links", "expected"),
    [
        ({}, False),
        ({"A": "B", "B": "C", "C": "D"}, False),
        ({"A": "B", "B": "A", "C": "D"}, True),
        ({"A": "A"}, True),
        ({"C": "D", "A": "A"}, True),
        # Reached through a tail.
        ({"A": "B", "B": "C", "C": "D", "D": "B"}, True),
        ({"D": "B", "C": "D", "B": "C", "A": "B"}, True),
        # Many converge on one.
        (dict.fromkeys("ABCDEFG", "Z"), False),
        ({"A": "C", "B": "C", "C": "D", "E": "D"}, False),
        ({number: number + 1 for number in range(5000)}, False),
        ({number: (number + 1) % 5000 for number in range(5000)}, True),
    ],
)
def test_cycles_are_found(links: dict[str, str], expected: bool) -> None:
    assert has_cycle(links) is expected
