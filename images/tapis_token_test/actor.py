"""Calls the API again and again with the execution's token, and says for how long it is taken.

Variables: ``runs``, how many calls; ``sleep``, seconds between two of them; ``verbose``, to print what was answered.
"""

import sys
import time

from abaco.actors import AbacoRequestError, get_client, get_context


def main() -> None:
    context, client = get_context(), get_client()
    runs, pause = int(context.get("runs", 5)), float(context.get("sleep", 1))
    is_verbose = context.get("verbose", "").lower() in {"1", "true", "yes"}
    started = time.monotonic()
    for run in range(1, runs + 1):
        try:
            answer = client.request("GET", f"/actors/v2/{context.actor_id}")
        except AbacoRequestError as error:
            sys.exit(f"Run {run} of {runs}: refused after {time.monotonic() - started:.1f} seconds: {error}")
        print(f"Run {run} of {runs}: ok")
        if is_verbose:
            print(answer)
        if run < runs:
            time.sleep(pause)


if __name__ == "__main__":
    main()
