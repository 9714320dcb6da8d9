"""Posts its message to a URL: meant as the target of another actor's link.

Variables: ``URL``; ``HEADERS``, an object in the actor's default environment, which arrives as a Python literal;
``RETRIES_VAR``, how often to try again; ``TIMEOUT_VAR``, seconds for each try; ``BACKOFF_FAC``, seconds to wait before
the second retry, twice as many before each further one.
"""

import ast
import sys
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from abaco.actors import Context, get_context


def request_of(context: Context) -> Request:
    headers = ast.literal_eval(context.get("HEADERS") or "{}")
    data = (context.raw_message or "").encode()
    return Request(context["URL"], data, {"Content-Type": "text/plain", **headers})


def pause_seconds(backoff: float, retry: int) -> float:
    """Before retry number `retry`; none before the first."""
    return backoff * 2 ** (retry - 1) if retry > 1 else 0.0


def post(request: Request, timeout: float) -> str:
    """The status line's words; raises OSError if it is worth another try, or SystemExit if it is not."""
    try:
        with urlopen(request, timeout=timeout) as response:
            return f"{response.status} {response.reason}"
    except HTTPError as error:
        if error.code < 500:
            sys.exit(f"{request.full_url} refused the message: {error}\n{error.read(1000).decode(errors='replace')}")
        raise


def main() -> None:
    context = get_context()
    if not context.get("URL"):
        sys.exit("The variable URL must say where messages are to be posted.")
    request = request_of(context)
    retries, timeout = int(context.get("RETRIES_VAR", 3)), float(context.get("TIMEOUT_VAR", 5))
    backoff = float(context.get("BACKOFF_FAC", 0.3))
    for retry in range(retries + 1):
        time.sleep(pause_seconds(backoff, retry))
        try:
            print(f"{request.full_url} answered {post(request, timeout)}.")
        except OSError as error:
            print(f"{request.full_url} cannot be reached: {error}")
        else:
            return
    sys.exit(f"Gave up after {retries} retries.")


if __name__ == "__main__":
    main()
