"""What `abaco run` prints of a container."""

import pytest

from abaco.cli.run import _Sink


def test_results_are_told_of_between_lines(capsys: pytest.CaptureFixture[str]) -> None:
    with _Sink.to(None) as sink:
        sink.output(b"one ")
        sink.result(b"1")
        assert capsys.readouterr().err == ""
        sink.output(b"line\n")
        assert "result of 1 bytes: b'1'" in capsys.readouterr().err
        sink.result(b"22")
        assert "result of 2 bytes" in capsys.readouterr().err
        sink.output(b"the last")
        sink.result(b"333")
    printed = capsys.readouterr()
    assert printed.out == "the last\n"
    assert "result of 3 bytes" in printed.err
