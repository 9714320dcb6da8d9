"""The environment of a container: what fits in it, and how values are rendered to text.

Linux refuses a single ``NAME=value`` string longer than 131,071 bytes (``MAX_ARG_STRLEN``) and about 2 MiB of
arguments and environment together, so what a user asks to put there is measured when they ask.
"""

from collections.abc import Mapping
from typing import Any

from abaco.errors import InvalidInput, TooLarge

__all__ = [
    "MAX_ENVIRONMENT_BYTES",
    "MAX_MESSAGE_ENVIRONMENT_BYTES",
    "MAX_VARIABLE_BYTES",
    "fits",
    "loads_code",
    "render",
    "rendered",
    "require_environment",
]

MAX_VARIABLE_BYTES = 131_071
"""Of ``NAME=value``, without the closing NUL: the kernel's MAX_ARG_STRLEN of 32 pages, less one."""
MAX_ENVIRONMENT_BYTES = 1_048_576
"""Of an actor's variables, each with what the kernel counts besides; its own limit is twice that, for everything."""
MAX_MESSAGE_ENVIRONMENT_BYTES = 393_216
"""Of a message's own. With the actor's, message, state and configs (a full variable or two each) an eighth is left."""
_OVERHEAD_BYTES = 9
"""Of a variable in the kernel's count: a NUL and a pointer."""


_LOADS_CODE = (
    *("LD_", "PYTHON", "PERL5", "RUBY", "NODE_", "BASH_", "JAVA_", "GCONV_PATH", "GLIBC_TUNABLES"),
    *("GIT_", "OPENSSL_"),
)
_ALSO_LOADS_CODE = frozenset(
    {"ENV", "PATH", "HOME", "IFS", "CLASSPATH", "R_PROFILE", "R_PROFILE_USER", "R_ENVIRON_USER"}
)
_LEADS_ASTRAY = frozenset(
    {"REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "CURL_HOME", "WGETRC", "NETRC"}
    | {"XDG_CONFIG_HOME", "HOSTALIASES", "LOCALDOMAIN", "RES_OPTIONS"}
)


def loads_code(name: str) -> bool:
    """Whether a variable of this name makes common programs load other code, or send what they send elsewhere.

    The dynamic loader (ld.so(8)), shells and interpreters read the former. With a binary message, which is a file in
    the container, one of them is enough to replace the program of an image. HTTP clients read the latter, proxies in
    any case, and give the token of their request away.
    """
    leads_astray = name in _LEADS_ASTRAY or name.upper().endswith("_PROXY")
    return leads_astray or name.startswith(_LOADS_CODE) or name in _ALSO_LOADS_CODE


def render(value: Any) -> str:
    """`value` as text: Python's ``str``, which guest libraries parse back as a Python literal."""
    return value if isinstance(value, str) else str(value)


def rendered(environment: Mapping[str, Any]) -> dict[str, str]:
    """The variables as text; a null value leaves its variable unset."""
    return {name: render(value) for name, value in environment.items() if value is not None}


def fits(name: str, text: str) -> bool:
    """Whether the kernel takes ``name=text`` as one environment string."""
    return len(name.encode()) + 1 + len(text.encode()) <= MAX_VARIABLE_BYTES


def require_environment(environment: Mapping[str, Any], label: str, most: int = MAX_ENVIRONMENT_BYTES) -> None:
    """Raise InvalidInput, naming `label`, unless a container can be started with these variables."""
    total = 0
    for name, text in rendered(environment).items():
        if not name or "=" in name or "\0" in name or "\0" in text:
            raise InvalidInput(
                f"{label}: {name[:80]!r} cannot be an environment variable: "
                "a name may not be empty or hold '=', and neither name nor value may hold a NUL character.",
            )
        size = len(name.encode()) + 1 + len(text.encode())
        if size > MAX_VARIABLE_BYTES:
            raise TooLarge(
                f"{label}: {name[:80]!r} takes {size} bytes; one variable may take {MAX_VARIABLE_BYTES}.",
            )
        total += size + _OVERHEAD_BYTES
    if total > most:
        raise TooLarge(f"{label} takes {total} bytes in all, {_OVERHEAD_BYTES} for each included; {most} are allowed.")
