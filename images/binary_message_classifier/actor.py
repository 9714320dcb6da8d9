"""Says what a binary message is, by its first bytes: an image of which kind and size, or another kind of file."""

import json
import struct

from abaco.actors import get_binary_message, send_bytes_result

KINDS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"\xff\xd8\xff": "image/jpeg",
    b"%PDF-": "application/pdf",
    b"PK\x03\x04": "application/zip",
    b"\x1f\x8b": "application/gzip",
    b"\x89HDF\r\n\x1a\n": "application/x-hdf5",
}
UNKNOWN = "application/octet-stream"
SIZES = {"image/png": (">II", 16), "image/gif": ("<HH", 6)}
"""How width and height are written, and where."""


def kind_of(data: bytes) -> str:
    known = next((kind for magic, kind in KINDS.items() if data.startswith(magic)), None)
    return known or ("text/plain" if is_text(data) else UNKNOWN)


def is_text(data: bytes) -> bool:
    try:
        return "\0" not in data.decode()
    except UnicodeDecodeError:
        return False


def classify(data: bytes) -> dict[str, str | int]:
    kind = kind_of(data)
    found: dict[str, str | int] = {"kind": kind, "bytes": len(data)}
    form, offset = SIZES.get(kind, ("", 0))
    if form and len(data) >= offset + struct.calcsize(form):
        width, height = struct.unpack_from(form, data, offset)
        found |= {"width": width, "height": height}
    return found


def main() -> None:
    found = classify(get_binary_message())
    print(f"{found['kind']}, {found['bytes']} bytes")
    send_bytes_result(json.dumps(found).encode())


if __name__ == "__main__":
    main()
