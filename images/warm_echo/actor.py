"""Sends its message back as a result, and says how many this container has taken: something to see warm actors by."""

from itertools import count

from abaco.actors import Context, get_binary_message, send_bytes_result, serve

# Made once for each container: with the hint `warm` that is for many messages.
numbers = count(1)


def echo(context: Context) -> None:
    print(f"Message {next(numbers)} of this container")
    if context.content_type == "application/octet-stream":
        send_bytes_result(get_binary_message())
    else:
        send_bytes_result(context.raw_message.encode())


if __name__ == "__main__":
    serve(echo)
