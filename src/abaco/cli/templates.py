"""The files that `abaco init` writes, by language. ``{name}`` is the actor's."""

from typing import Final

__all__ = ["GUEST", "LANGUAGES", "TEMPLATES"]

GUEST: Final = "abaco/actors.py"
"""Where the guest library goes; its text is that of our own."""

_PROJECT = """# What `abaco deploy` makes of this directory.
name = "{name}"       # of the actor; deploying again updates the actor of yours with this name
image = "{name}"      # pushed to the server as TENANT/USER/{name}
message = "to be or not to be"   # sent after deploying; a table here is sent as JSON

[actor]               # whatever else an actor may have, as in `ab.actors.add(...)`
description = "Made by abaco init."
stateless = true      # false: keep a state, and work on one message at a time
hints = []            # ["warm"] keeps the container up between messages, if its program serves them
# max_run_time = 60   # seconds
# default_environment = {GREETING = "Hello"}

[build]
# Where neither podman, docker nor buildah works, the files are laid on the first of these that the server has,
# if it does not have the image of FROM itself.
bases = {bases}
"""

_README = """# {name}

An actor: every message that is sent to it runs the program in a fresh container.

```
abaco deploy                     # build, push, register or update, send the test message of actor.toml
abaco send {name} 'a message' --wait
abaco logs {name}
```

`{program}` is the program, `Containerfile` says what it runs in, `actor.toml` what it is called and how it runs.
{contract}
"""

_CONTRACT = """
The program is started once for each message. It has the message in the variable `MSG` (a binary one in the file
`/_abaco_binary_data`), and writes to stdout, which is the execution's log. Its exit code is that of the execution. It
may send results, as datagrams of up to 131,072 bytes, to the UNIX socket `/_abaco_results.sock`.
"""

_PYTHON = '''"""What is done with each message."""

from abaco.actors import Context, send_bytes_result, serve


def handle(context: Context) -> None:
    """The message is `context.raw_message`, or, if it is JSON, `context.message_dict`."""
    words = (context.raw_message or "").split()
    print(f"Hello! Your message has {len(words)} words.")
    send_bytes_result(str(len(words)).encode())


# One message, or with the hint "warm" one after the other.
serve(handle)
'''

_PYTHON_FILE = """FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1
COPY abaco /app/abaco
COPY actor.py /app/actor.py
CMD ["python3", "/app/actor.py"]
"""

_SHELL = """#!/bin/sh
# What is done with each message, which is in MSG.
set -eu
echo "Hello! Your message has $(printf '%s' "$MSG" | wc -w) words."
"""

_SHELL_FILE = """FROM busybox
COPY actor.sh /actor.sh
CMD ["sh", "/actor.sh"]
"""

_OTHER = """#!/bin/sh
# Put your program in the place of this file: a static binary, or any script whose interpreter is in the image of FROM.
# The message is in the variable MSG.
set -eu
echo "Hello! Your message is: $MSG"
"""

_OTHER_FILE = """FROM busybox
COPY main /main
CMD ["/main"]
"""

_BIG = '["abacosamples/py3_base", "abacosamples/wc"]'
_SMALL = '["abacosamples/test", "abacosamples/py3_base", "abacosamples/wc"]'


def _files(program: str, text: str, containerfile: str, bases: str, contract: str) -> dict[str, str]:
    """By name; programs keep the braces that they have."""
    return {
        "actor.toml": _PROJECT.replace("{bases}", bases),
        "Containerfile": containerfile,
        program: text,
        "README.md": _README.replace("{program}", program).replace("{contract}", contract),
    }


TEMPLATES: Final = {
    "python": _files(
        "actor.py", _PYTHON, _PYTHON_FILE, _BIG, "`abaco/actors.py` is the guest library: one file, yours to keep.\n"
    ),
    "shell": _files("actor.sh", _SHELL, _SHELL_FILE, _SMALL, _CONTRACT),
    "other": _files("main", _OTHER, _OTHER_FILE, _SMALL, _CONTRACT),
}
LANGUAGES: Final = tuple(TEMPLATES)
