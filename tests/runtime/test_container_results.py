import hashlib

import pytest
from runtime.lab import Lab

SEND = r"""
my $socket; socket($socket, 1, 2, 0) or die;
my $address = pack("S a*", 1, "/_abaco_results.sock");
sub result { defined send($socket, $_[0], 0, $address) or die "send: $!" }
"""


def send(lab: Lab, program: str, script: str = 'perl -e "$PROGRAM"', **limits: tuple[int, int]) -> None:
    outcome = lab.run(script, {"PROGRAM": SEND + program}, **limits)
    assert outcome.exit_code == 0, lab.seen.text


def test_results_arrive_in_order(lab: Lab) -> None:
    send(lab, 'result("result $_") for 1..500')
    assert lab.seen.results == [b"result %d" % number for number in range(1, 501)]


@pytest.mark.parametrize("user", [(0, 0), (1000, 1000)])
def test_the_socket_is_for_every_user(lab: Lab, user: tuple[int, int]) -> None:
    send(lab, 'result("x")', 'perl -e "$PROGRAM"; stat -c %a%F /_abaco_results.sock', user=user)
    assert (lab.seen.results, lab.seen.text) == ([b"x"], "777socket\n")


def test_a_result_of_the_largest_size_is_complete(lab: Lab) -> None:
    send(lab, r'result(join "", map { chr($_ % 256) } 1..131072)')
    expected = bytes(number % 256 for number in range(1, 131_073))
    assert [hashlib.sha256(result).digest() for result in lab.seen.results] == [hashlib.sha256(expected).digest()]


def test_a_result_that_is_too_large_is_dropped_and_the_log_says_so(lab: Lab) -> None:
    send(lab, 'result("before"); result("x" x 131073); result(""); result("after")')
    assert lab.seen.results == [b"before", b"", b"after"]
    assert lab.seen.text == "Abaco: a result of 131073 bytes was dropped; a result may have at most 131072 bytes.\n"


def test_results_of_the_last_moment_arrive(lab: Lab) -> None:
    for _ in range(10):
        lab.seen.results.clear()
        send(lab, "result($_) for 1..10", 'exec perl -e "$PROGRAM"')
        assert len(lab.seen.results) == 10


def test_output_and_results_do_not_hold_each_other_up(lab: Lab) -> None:
    send(lab, r'for (1..300) { result("x" x 1000); print "y" x 100000 }')
    assert (len(lab.seen.results), len(lab.seen.log)) == (300, 30_000_000)
