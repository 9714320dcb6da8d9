"""What `%%actor` says of mistakes, before any server is asked."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from IPython.core.error import UsageError

from abaco.notebook import _Magic


@pytest.mark.parametrize(
    ("line", "cell", "text"),
    [
        ("", "pass", "the following arguments are required: name"),
        ("name --env 'A=1", "pass", "No closing quotation"),
        ("name \\", "pass", "No escaped character"),
        ("1st", "pass", "cannot be the name of a variable"),
        ("name", "print(", "line 1 of the cell"),
    ],
)
def test_mistakes_are_told_as_such(line: str, cell: str, text: str) -> None:
    with pytest.raises(UsageError, match=text):
        _Magic(cast("Any", SimpleNamespace(user_ns={}))).actor(line, cell)
