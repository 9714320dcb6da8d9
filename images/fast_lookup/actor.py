"""Looks a word up and answers at once: something to send synchronous messages to."""

from abaco.actors import get_context, send_bytes_result

ANSWERS = {"fruit": "apple", "vegetable": "carrot", "color": "green", "month": "december"}


def main() -> None:
    word = get_context().raw_message or ""
    answer = ANSWERS.get(word.strip(), "unknown")
    print(answer)
    send_bytes_result(answer.encode())


if __name__ == "__main__":
    main()
