"""Prints one long line: something to see by what becomes of large logs.

Message: JSON ``{"length": characters}``; it may be left out.
"""

from abaco.actors import get_context


def main() -> None:
    length = int(get_context().message_dict.get("length", 100_000))
    print("x" * length)


if __name__ == "__main__":
    main()
