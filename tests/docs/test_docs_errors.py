"""errors.md has every code with its HTTP status and exit code, and nothing else."""

from docs.pages import code_words, page, table

from abaco.cli.exits import exit_code
from abaco.errors import STATUS_BY_CODE, from_response


def test_every_code_has_its_status_and_exit_code() -> None:
    documented = {code_words(row[0])[0]: (int(row[1]), int(row[2])) for row in table(page("errors.md"))}
    real = {code: (status, exit_code(from_response(code, status, ""))) for code, status in STATUS_BY_CODE.items()}
    assert documented == real
