"""Calls itself through a nonce, which stands in the variable ``x-nonce``: recursion without a token.

Message: JSON ``{"depth": number}``, how many more executions are to follow; it may be left out.
"""

import sys
from urllib.parse import quote

from abaco.actors import Client, get_context


def main() -> None:
    context = get_context()
    depth = int(context.message_dict.get("depth", 2))
    print(f"Depth: {depth}")
    if depth <= 0:
        return
    nonce = context.get("x-nonce")
    if not nonce:
        sys.exit("There is no variable x-nonce: see the sample's README.")
    # A client without the execution's token: a nonce counts only where no other credentials are sent.
    client = Client(context["_abaco_api_server"])
    path = f"/actors/v2/{context.actor_id}/messages?x-nonce={quote(nonce, safe='')}"
    client.request("POST", path, json={"message": {"depth": depth - 1}})
    print("Sent myself a message.")


if __name__ == "__main__":
    main()
