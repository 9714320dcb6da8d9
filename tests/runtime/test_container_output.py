import pytest
from runtime.conftest import MakeImage
from runtime.lab import Lab

from abaco.domain.execution import StopReason
from abaco.domain.lifecycle import ExecutionStatus
from abaco.ports import ContainerStartError, Runtime


@pytest.mark.crun("the engine hands on two streams, whose pieces it puts in order as it reads them")
def test_both_streams_arrive_in_the_order_they_were_written(lab: Lab) -> None:
    lab.run("echo one; echo two >&2; echo three; echo four >&2")
    assert lab.seen.text == "one\ntwo\nthree\nfour\n"


def test_each_stream_arrives_in_the_order_it_was_written(lab: Lab) -> None:
    outcome = lab.run("for i in $(seq 100); do echo out $i; echo err $i >&2; done")
    for stream in ("out", "err"):
        said = [line for line in lab.seen.text.splitlines() if line.startswith(stream)]
        assert said == [f"{stream} {number}" for number in range(1, 101)]
    assert (outcome.status, outcome.reason, outcome.exit_code) == (ExecutionStatus.COMPLETE, StopReason.EXITED, 0)
    assert outcome.started_at is not None
    assert outcome.started_at <= outcome.finished_at
    assert outcome.image_digest is not None
    assert outcome.image_digest.startswith("sha256:")


@pytest.mark.parametrize("code", [1, 71, 125, 126, 127, 137, 255])
def test_any_exit_code_is_an_ordinary_outcome(lab: Lab, code: int) -> None:
    outcome = lab.run(f"echo said; exit {code}")
    assert (outcome.exit_code, outcome.reason, lab.seen.text) == (code, StopReason.EXITED, "said\n")


def test_a_program_that_the_script_cannot_find_is_an_ordinary_outcome(lab: Lab) -> None:
    assert lab.run("nonexistent").exit_code == 127
    assert "not found" in lab.seen.text


def test_output_is_bytes_as_written(lab: Lab) -> None:
    lab.run(r"printf '\377\376\000x'")
    assert lab.seen.log == b"\xff\xfe\x00x"


def test_much_output_arrives_complete(lab: Lab) -> None:
    lab.run("yes 0123456789 | head -c 20000000")
    assert len(lab.seen.log) == 20_000_000


def test_output_like_what_crun_says_passes_if_the_container_says_more(lab: Lab) -> None:
    line = '{"msg":"exec container process `/bin/x`: no","level":"error"}'
    lab.run(f"echo '{line}'; echo more; exit 1")
    assert lab.seen.text == f"{line}\nmore\n"


@pytest.mark.crun("a line of the engine's looks otherwise")
def test_a_program_may_say_what_crun_says_but_then_it_is_known_that_only_it_does(lab: Lab) -> None:
    """P6: it may be what a message made it say."""
    line = '{"msg":"exec container process `/bin/x`: no","level":"error"}'
    with pytest.raises(ContainerStartError) as forged:
        lab.run(f"echo '{line}' >&2; exit 1")
    assert forged.value.by_output
    with pytest.raises(ContainerStartError) as reported:
        lab.run("true", environment={"PATH": "/nowhere"})
    assert not reported.value.by_output


def test_a_process_left_in_the_background_ends_with_the_container(lab: Lab) -> None:
    outcome = lab.run("setsid sleep 1000 & echo done")
    assert (outcome.exit_code, lab.seen.text) == (0, "done\n")


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["nonexistent"], "executable file 'nonexistent' not found in $PATH"),
        (["/bin/nonexistent"], "executable file '/bin/nonexistent' not found"),
        (["/home"], "the image's command is not an executable file"),
        (["/etc/passwd"], "the image's command is not an executable file"),
        (["/bin/script"], "cannot execute '/bin/script': No such file or directory"),
        (["/bin/garbage"], "cannot execute '/bin/garbage': Exec format error"),
    ],
)
def test_a_command_that_cannot_run_is_a_start_error(
    runtime: Runtime,
    broken_image: MakeImage,
    command: list[str],
    reason: str,
) -> None:
    with Lab(runtime.sandbox("worker1", broken_image(config={"Cmd": command}))) as lab:
        with pytest.raises(ContainerStartError) as raised:
            lab.run()
        assert str(raised.value).startswith(reason)
        assert lab.seen.log == b""


def test_an_image_without_a_command_is_a_start_error(runtime: Runtime, broken_image: MakeImage) -> None:
    with (
        Lab(runtime.sandbox("worker1", broken_image(config={}))) as lab,
        pytest.raises(ContainerStartError, match="add a CMD"),
    ):
        lab.run()


def test_a_working_directory_that_is_a_file_is_a_start_error(runtime: Runtime, broken_image: MakeImage) -> None:
    image = broken_image(config={"Cmd": ["pwd"], "WorkingDir": "/etc/passwd/x"})
    with Lab(runtime.sandbox("worker1", image)) as lab, pytest.raises(ContainerStartError):
        lab.run()


def test_too_much_environment_is_a_start_error(lab: Lab) -> None:
    with pytest.raises(ContainerStartError, match="Argument list too long"):
        lab.run("true", {"LARGE": "x" * 140_000})
