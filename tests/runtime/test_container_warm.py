"""Containers that stay for the next message, on the protocol of docs/warm-actors.md; here a program in Perl serves."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from runtime.lab import Lab

from abaco.domain.execution import Outcome, StopReason

SERVE = r"""
exec perl -e '
$| = 1;
sub at { pack("S a108", 1, shift) }
socket($s, 1, 1, 0); connect($s, at("/_abaco_serve.sock")) or die "no socket";
sub say_ { my $f = shift; syswrite($s, pack("N", length $f) . $f) }
sub take {
    my ($n, $d) = (shift, "");
    while (length $d < $n) {
        $r = sysread($s, $d, $n - length $d, length $d);
        next if !defined $r && $! == 4; # a signal
        exit 0 if !$r;
    }
    $d
}
$SIG{TERM} = sub { $terminated = 1 };
say_("{\"type\":\"ready\"}");
while (1) {
    $f = take(unpack("N", take(4)));
    ($id) = $f =~ /"execution_id": "(\w+)"/; ($do) = $f =~ /"DO": "([^"]*)"/; ($bin) = $f =~ /"binary": (\w+)/;
    $count++;
    print "$id $count $$ $bin\n";
    if ($do eq "cat") { open(F, "/_abaco_binary_data"); local $/; print <F>, "\n"; close F }
    if ($do eq "fill") { open(F, ">", "/fill"); for $n (1048576, 4096) { 1 while syswrite(F, "x" x $n) } close F }
    if ($do eq "die") { exit 7 }
    if ($do eq "hang") { sleep 1000; sleep 1000 }
    if ($do eq "mind") { sleep 1000 until $terminated }
    if ($do eq "mute") { close STDOUT; close STDERR }
    if ($do eq "garbage") { say_("garbage"); sleep 1000 }
    if ($do eq "result") { socket($r, 1, 2, 0); send($r, $id, 0, at("/_abaco_results.sock")) }
    say_("{\"type\":\"done\",\"exit_code\":" . ($do eq "fail" ? 3 : 0) . "}");
    if ($do eq "leave") { close $s; sleep 1000; sleep 1000 }
    if ($do eq "leave late") { sysread($s, $d, 1); close $s; sleep 1000; sleep 1000 }
    if ($do eq "end") { exit 9 }
    if ($do eq "end late") { sysread($s, $d, 1); exit 9 }
}'
"""

pytestmark = pytest.mark.crun("Docker's containers are not kept")


class Warm:
    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self._count = 0

    def __call__(self, do: str = "", binary: Callable[[], Iterator[bytes]] | None = None, **limits: Any) -> Outcome:
        self._count += 1
        self.lab.seen.log = b""
        return self.lab.run(SERVE, {"DO": do}, warm=True, binary=binary, **limits)

    @property
    def said(self) -> list[str]:
        return self.lab.seen.text.split()


@pytest.fixture
def warm(lab: Lab) -> Warm:
    return Warm(lab)


def test_one_container_serves_message_after_message(warm: Warm) -> None:
    for number in range(1, 21):
        outcome = warm()
        assert (outcome.exit_code, outcome.reason, outcome.stays) == (0, StopReason.EXITED, True)
        assert warm.said[:2] == ["execution1", str(number)]
        assert outcome.prepared_at is not None
        assert outcome.started_at is not None
        assert outcome.prepared_at <= outcome.started_at <= outcome.finished_at
        warm.lab.sandbox.prepare()


def test_each_message_has_its_own_exit_code_results_and_binary_data(warm: Warm) -> None:
    assert warm("fail").exit_code == 3
    assert warm("result").exit_code == 0
    assert warm.lab.seen.results == [b"execution1"]
    assert warm.said[3] == "false"
    for data in (b"first and longer", b"second"):
        assert warm("cat", binary=lambda data=data: iter([data])).exit_code == 0  # type: ignore[misc]
        assert warm.said[3:] == ["true", *data.decode().split()]
    assert warm.said[1] == "4"


@pytest.mark.parametrize(
    ("do", "limits", "reason", "code"),
    [
        ("die", {}, StopReason.EXITED, 7),
        ("hang", {"max_run_seconds": 0.3, "stop_grace_seconds": 0.1}, StopReason.TIMED_OUT, 137),
        ("garbage", {}, StopReason.EXITED, 137),
    ],
)
def test_trouble_is_one_messages_own(
    warm: Warm, do: str, limits: dict[str, Any], reason: StopReason, code: int
) -> None:
    for _ in range(2):
        assert warm().exit_code == 0
    outcome = warm(do, **limits)
    assert (outcome.reason, outcome.exit_code, outcome.stays) == (reason, code, False)
    assert warm().exit_code == 0
    assert warm.said[1] == "1"


def test_who_has_closed_its_output_goes_on(warm: Warm) -> None:
    assert warm("mute").exit_code == 0
    for _ in range(2):
        outcome = warm("result")
        assert (outcome.exit_code, outcome.stays, warm.said) == (0, True, [])
    assert warm.lab.seen.results == [b"execution1"] * 2


@pytest.mark.parametrize("do", ["leave", "leave late", "end", "end late"])
def test_a_message_that_a_leaving_program_did_not_read_gets_another_container(warm: Warm, do: str) -> None:
    """P1: it was given to nobody."""
    for _ in range(2):
        assert warm().exit_code == 0
    assert warm(do).exit_code == 0
    for number in ("1", "2"):
        outcome = warm()
        assert (outcome.reason, outcome.exit_code) == (StopReason.EXITED, 0)
        assert warm.said[:2] == ["execution1", number]


def test_who_is_done_at_the_time_limit_gets_no_other_message(warm: Warm) -> None:
    assert warm().exit_code == 0
    outcome = warm("mind", max_run_seconds=0.3, stop_grace_seconds=60)
    assert (outcome.reason, outcome.exit_code) == (StopReason.TIMED_OUT, 0)
    assert warm().exit_code == 0
    assert warm.said[1] == "1"


def test_a_halt_ends_the_container_and_the_next_message_gets_another(warm: Warm) -> None:
    assert warm().exit_code == 0
    warm.lab.seen.heard = lambda log: warm.lab.stop.set() if b"2" in log else None
    assert warm("hang").reason is StopReason.HALTED


def test_a_container_of_other_limits_is_another_one(warm: Warm) -> None:
    warm(memory=64 << 20)
    warm(memory=64 << 20)
    assert warm.said[1] == "2"
    warm(memory=65 << 20)
    assert warm.said[1] == "1"


def test_a_full_disk_is_no_trouble_of_the_next_message(warm: Warm) -> None:
    assert warm("fill").exit_code == 0
    assert warm("cat", binary=lambda: iter([b"x" * 100_000])).exit_code == 0
    assert warm.said[1:] == ["1", warm.said[2], "true", "x" * 100_000]


def test_a_program_that_does_not_serve_is_a_container_like_any_other(lab: Lab) -> None:
    for _ in range(2):
        outcome = lab.run("test -S /_abaco_serve.sock && echo could; exit 5", warm=True)
        assert (outcome.exit_code, outcome.reason, outcome.stays) == (5, StopReason.EXITED, False)
    assert lab.seen.text == "could\ncould\n"


def test_without_the_hint_there_is_no_socket(lab: Lab) -> None:
    assert lab.run("test -e /_abaco_serve.sock").exit_code == 1
