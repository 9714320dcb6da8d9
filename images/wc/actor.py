"""Counts the words of a text; sends the counts as a result and, if asked, to a reducer actor.

The text is a plain-text message, ``text`` of a JSON message ``{"text": ..., "reducer": actor}``, or a binary message.
"""

import json

from abaco.actors import get_binary_message, get_client, get_context, send_bytes_result

LARGEST_RESULT_BYTES = 131_072


def count_words(text: str) -> dict[str, int]:
    counts: dict[str, int] = {}
    for word in text.split():
        counts[word] = counts.get(word, 0) + 1
    return counts


def send_counts(counts: dict[str, int]) -> None:
    """The counts as one result; many different words may take more room than one result has."""
    result = json.dumps(counts, ensure_ascii=False).encode()
    if len(result) <= LARGEST_RESULT_BYTES:
        send_bytes_result(result)
    else:
        print(f"The counts of {len(counts)} different words do not fit in one result; only this log has the total.")


def main() -> None:
    context = get_context()
    if context.content_type == "application/octet-stream":
        text = get_binary_message().decode("utf-8", "replace")
    else:
        text = str(context.message_dict.get("text", context.raw_message))
    counts = count_words(text)
    print(f"Number of words is: {sum(counts.values())}")
    send_counts(counts)
    reducer = context.message_dict.get("reducer")
    if reducer:
        get_client().send_message(reducer, {"count": counts})
        print(f"Sent the counts to {reducer}")


if __name__ == "__main__":
    main()
