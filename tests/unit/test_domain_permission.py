import pytest

from abaco.domain.permission import WORLD, Level, effective

NONE, READ, EXECUTE, UPDATE = Level


def test_each_level_includes_the_lower_ones() -> None:
    assert NONE < READ < EXECUTE < UPDATE


@pytest.mark.parametrize(
    ("entries", "level"),
    [
        ({}, NONE),
        ({"bob": UPDATE}, NONE),
        ({"ada": READ}, READ),
        ({WORLD: EXECUTE}, EXECUTE),
        ({"ada": READ, WORLD: EXECUTE}, EXECUTE),
        ({"ada": UPDATE, WORLD: READ}, UPDATE),
        ({"ada": READ, WORLD: NONE}, READ),
        ({"ada": NONE, WORLD: UPDATE}, NONE),
    ],
)
def test_the_higher_entry_counts_and_an_explicit_none_denies(entries: dict[str, Level], level: Level) -> None:
    """P6"""
    assert effective(entries, "ada") is level
