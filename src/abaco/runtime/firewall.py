"""The machine's firewall, as far as it keeps containers from the machine: rules that are there once for all servers.

They stay when a server stops, since others may run. What only one server wants, its API's port, stands in a chain of
its own, which its next start writes anew.
"""

from collections.abc import Iterator, Sequence
from threading import Lock
from typing import Final

from abaco.runtime.ip import call
from abaco.runtime.unavailable import RuntimeUnavailable

__all__ = ["Firewall", "Rule"]

Rule = tuple[str, Sequence[str]]
"""A table, and in it a chain with what stands there."""
_HOOKS: Final = (("raw", "PREROUTING"), ("filter", "INPUT"))
_WAIT: Final = ("--wait", "10")


class Firewall:
    """The rules for what comes in by `interfaces` (as iptables knows them: ``abaco+`` are all that begin so).

    That reaches of this machine only `api_port`, of the server `instance` and of others. `further` are put on top of
    their chains, one after the other. Raises RuntimeUnavailable.
    """

    def __init__(self, instance: str, interfaces: str, api_port: int | None, further: Sequence[Rule]) -> None:
        self._chain = f"abaco-{instance}"
        self._interfaces = interfaces
        self._api_port = api_port
        # Before others' rules for the machine's ports lead elsewhere (as Docker's do), and where one looks for it.
        from_here = ["-i", interfaces]
        here = ["PREROUTING", *from_here, "-m", "addrtype", "--dst-type", "LOCAL", "-j", "DROP"]
        self._rules = [*further, ("raw", here), ("filter", ["INPUT", *from_here, "-j", "DROP"])]
        self._lock = Lock()
        self._made = self._make()

    def ensure(self) -> None:
        """Make again what is gone, as after others loaded their rules anew; takes 2 ms. Raises RuntimeUnavailable."""
        with self._lock:
            if not self._made <= self._shown():
                self._made = self._make()

    def _make(self) -> set[str]:
        for rule in self._rules:
            if not _is_there(rule):
                table, what = rule
                call(["iptables", *_WAIT, "--table", table, "--insert", *what])
        # Where there is neither a port nor was one before nothing is to be left behind.
        if self._api_port is not None or any(f":{self._chain} " in line for line in self._shown()):
            for table, hook in _HOOKS:
                call(["iptables-restore", *_WAIT, "--noflush"], "\n".join(self._own_chain(table, hook)))
        return self._shown()

    def _own_chain(self, table: str, hook: str) -> Iterator[str]:
        jump = [hook, "-i", self._interfaces, "-j", self._chain]
        yield f"*{table}"
        yield f":{self._chain} - [0:0]"  # empties it, too
        if self._api_port is not None:
            yield f"-A {self._chain} -p tcp --dport {self._api_port} -j ACCEPT"
        if _is_there((table, jump)):
            yield f"-D {' '.join(jump)}"
        yield f"-I {' '.join(jump)}"
        yield "COMMIT\n"

    def _shown(self) -> set[str]:
        """What there is of ours, with the table in front, as this machine's iptables puts it."""
        found, table = set(), ""
        for line in call(["iptables-save"]).splitlines():
            if line.startswith("*"):
                table = line
            elif f" {self._interfaces} " in line or f"{self._chain} " in line:
                found.add(f"{table} {line.partition(' [')[0]} ")  # less the numbers of packets
        return found


def _is_there(rule: Rule) -> bool:
    table, what = rule
    try:
        call(["iptables", *_WAIT, "--table", table, "--check", *what])
    except RuntimeUnavailable:
        return False
    return True
