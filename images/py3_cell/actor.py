"""Runs the program that stands in the variable ABACO_CELL: the far end of the notebook's ``%%actor``."""

import linecache
import os

NAME = "<cell>"


def main() -> None:
    source = os.environ["ABACO_CELL"]
    # So that a traceback shows the cell's lines.
    linecache.cache[NAME] = (len(source), None, source.splitlines(keepends=True), NAME)
    exec(compile(source, NAME, "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main()
