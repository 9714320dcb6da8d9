"""Sleeps in a loop and says so: something to watch, to halt and to scale.

Message: JSON ``{"sleep": seconds, "iterations": number}``; both may be left out.
"""

import time

from abaco.actors import get_context


def main() -> None:
    message = get_context().message_dict
    seconds = float(message.get("sleep", 10))
    iterations = int(message.get("iterations", 6))
    print(f"Sleeping {iterations} times for {seconds:g} seconds.", flush=True)
    for iteration in range(1, iterations + 1):
        time.sleep(seconds)
        print(f"Iteration {iteration} of {iterations} is over.", flush=True)


if __name__ == "__main__":
    main()
