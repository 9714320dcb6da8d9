"""Takes memory, piece by piece, and says so: something to see memory limits by.

Message: how many GB, as a number such as ``0.5``; any other message stands for the default.
"""

from abaco.actors import get_context

DEFAULT_GB, MOST_GB = 2.0, 10.0
PIECE_BYTES = 100_000_000


def wanted_gb(message: str) -> float:
    try:
        wanted = float(message)
    except ValueError:
        return DEFAULT_GB
    return min(max(wanted, 0.0), MOST_GB)


def main() -> None:
    total = int(wanted_gb(get_context().raw_message or "") * 1e9)
    print(f"Taking {total / 1e9:g} GB.")
    pieces: list[bytes] = []
    for begin in range(0, total, PIECE_BYTES):
        # Written to: the kernel gives no memory for zeros that nobody has touched.
        pieces.append(b"x" * min(PIECE_BYTES, total - begin))
        print(f"Has {sum(map(len, pieces)) / 1e9:g} GB.")


if __name__ == "__main__":
    main()
