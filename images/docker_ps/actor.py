"""Lists the containers that run on its machine, by asking Docker at the socket that privileged containers have."""

import json
import socket
import sys
from http.client import HTTPConnection
from typing import Any

SOCKET = "/var/run/docker.sock"


class DockerConnection(HTTPConnection):
    """HTTP over Docker's socket."""

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(SOCKET)


def containers() -> list[dict[str, Any]]:
    connection = DockerConnection("localhost")
    try:
        connection.request("GET", "/containers/json")
        response = connection.getresponse()
        answer = json.load(response)
    finally:
        connection.close()
    if response.status != 200:
        sys.exit(f"Docker refused: {answer['message']}")
    return list(answer)


def main() -> None:
    try:
        found = containers()
    except OSError as error:
        sys.exit(f"Docker cannot be asked at {SOCKET} ({error}): is the actor privileged?")
    print(f"{len(found)} containers are running")
    for each in found:
        print(each["Id"][:12], each["Image"], each["Status"], *each["Names"])


if __name__ == "__main__":
    main()
