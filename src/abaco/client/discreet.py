"""URLs that hold a nonce, and are logged: httpx writes every request's URL to its log."""

import re

import httpx

__all__ = ["NONCE_PARAMETER", "DiscreetURL"]

NONCE_PARAMETER = "x-nonce"
_NONCE_IN_PATH = re.compile("(?<=/nonces/)[^/?#]+")


class DiscreetURL(httpx.URL):
    """Is sent as it is, but written, in logs and errors, without the nonce in its query or path."""

    def __str__(self) -> str:
        return _NONCE_IN_PATH.sub("...", str(httpx.URL(self).copy_remove_param(NONCE_PARAMETER)))

    def __repr__(self) -> str:
        return f"URL({str(self)!r})"
