"""A warm container's socket, host's end and guest's: `abaco.actors.serve`, and programs that misbehave."""

import json
import os
import select
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from abaco.runtime.serving import MAX_FRAME_BYTES, Broken, Done, Left, Ready, ServeEvent, ServeSocket

PATIENCE_SECONDS = 20
PROGRAM = """
import sys
from abaco.actors import serve

print("started", flush=True)

def handler(context):
    scope = {"context": context}
    exec(context.raw_message, scope)
    return scope.get("result")

serve(handler, sys.argv[1])
"""
"""Each message is the code that handles it."""


class Container:
    """A program beside the host's socket, in place of a container, and the loop that follows it."""

    def __init__(self, path: Path, program: str, interpreter: tuple[str, ...] = (sys.executable, "-c")) -> None:
        self.serving = ServeSocket(path)
        self.process = subprocess.Popen(
            [*interpreter, textwrap.dedent(program), str(path)],
            env={**os.environ, "MSG": "never handled", "OF_THE_IMAGE": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        assert self.process.stdout is not None
        self._pipe = self.process.stdout
        self._events: list[ServeEvent] = []

    def event(self) -> ServeEvent:
        """The next one, which is waited for."""
        while not self._events:
            ready, _, _ = select.select([self.serving], [], [], PATIENCE_SECONDS)
            assert ready, "nothing happened"
            self._events = self.serving.receive()
        return self._events.pop(0)

    def give(self, code: str, **variables: str) -> None:
        environment = {"PATH": "/bin", "MSG": code, "_abaco_Content_Type": "str", **variables}
        self.serving.give("execution", environment, binary=variables.get("_abaco_Content_Type") is not None)

    def handle(self, code: str, **variables: str) -> tuple[int, str]:
        """Exit code and output of one message."""
        if not self.serving.is_idle:
            assert self.event() == Ready()
            self.output()
        self.give(code, **variables)
        done = self.event()
        assert isinstance(done, Done)
        return done.exit_code, self.output()

    def output(self) -> str:
        """What is in the pipe, and not what may be written later."""
        os.set_blocking(self._pipe.fileno(), False)
        return (self._pipe.read() or b"").decode()

    def end(self) -> tuple[int, str]:
        """Exit code and the rest of the output of a program that ends by itself."""
        output, _ = self.process.communicate(timeout=PATIENCE_SECONDS)
        return self.process.returncode, output.decode()

    def close(self) -> None:
        self.serving.close()
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._pipe.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "serve.sock"


@pytest.fixture
def warm(path: Path) -> Iterator[Container]:
    container = Container(path, PROGRAM)
    yield container
    container.close()


@pytest.fixture
def misbehaving(path: Path, request: pytest.FixtureRequest) -> Iterator[Container]:
    prelude = """
        import json, signal, socket, sys
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(sys.argv[1])
        def send(data, size=None):
            connection.sendall((len(data) if size is None else size).to_bytes(4, "big") + data)
        def take():
            size = int.from_bytes(connection.recv(4, socket.MSG_WAITALL), "big")
            return json.loads(connection.recv(size, socket.MSG_WAITALL))
        """
    container = Container(path, textwrap.dedent(prelude) + textwrap.dedent(request.param))
    yield container
    container.close()


def cold(code: str, variables: Mapping[str, str], path: Path) -> tuple[int, str, str]:
    """Exit code, output and errors of the same program where there is no socket."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path)],
        env={**os.environ, "MSG": code, **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


ENDINGS = [
    ("pass", 0, ""),
    ("result = 0", 0, ""),
    ("result = 7", 7, ""),
    ("result = -1", 255, ""),
    ("result = 'because'", 1, "because"),
    ("import sys; sys.exit()", 0, ""),
    ("import sys; sys.exit(3)", 3, ""),
    ("import sys; sys.exit('because')", 1, "because"),
    ("1 / 0", 1, "ZeroDivisionError"),
    ("raise BaseException('odd')", 1, "odd"),
]


class TestTheGuestLibrary:
    def test_handles_message_after_message_in_one_process(self, warm: Container) -> None:
        warm.handle("import builtins, os; builtins.first = os.getpid()")
        for number in range(200):
            assert warm.handle(f"print({number}, first == os.getpid())".replace("os.", "__import__('os').")) == (
                0,
                f"{number} True\n",
            )

    @pytest.mark.parametrize(("code", "exit_code", "words"), ENDINGS)
    def test_ends_a_message_as_a_process_of_its_own_would(
        self, warm: Container, path: Path, code: str, exit_code: int, words: str
    ) -> None:
        warm_code, output = warm.handle(code)
        cold_code, _, errors = cold(code, {}, path.with_name("none"))
        assert (warm_code, cold_code) == (exit_code, exit_code)
        assert words in output
        assert words in errors
        assert bool(output) == bool(errors) == bool(words)
        assert warm.handle("print('still here')") == (0, "still here\n")

    def test_shows_each_message_its_own_variables_only(self, warm: Container) -> None:
        look = "import os; print(sorted(os.environ), context.get('secret'), os.popen('echo $secret').read().strip())"
        _, output = warm.handle(look, secret="s3cret")
        assert output == "['MSG', 'PATH', '_abaco_Content_Type', 'secret'] s3cret s3cret\n"
        _, output = warm.handle(look)
        assert output == "['MSG', 'PATH', '_abaco_Content_Type'] None \n"

    def test_gives_variables_byte_for_byte(self, warm: Container) -> None:
        text = "é € \U0001f600 \x7f\n\t" + "x" * 120_000
        code = (
            "import os, hashlib; print(hashlib.md5(os.environb[b'text']).digest(), context.text == os.getenv('text'))"
        )
        _, output = warm.handle(code, text=text)
        _, expected, _ = cold(code, {"text": text}, Path("/nonexistent"))
        assert output == expected.removeprefix("started\n")

    def test_calls_back_with_the_token_of_the_message_in_hand(self, warm: Container) -> None:
        code = "from abaco.actors import get_client; c = get_client(); print(c.api_server, c._token, c.actor_id)"
        for token in ("one", "two"):
            variables = {"_abaco_api_server": "http://a:1", "_abaco_access_token": token, "_abaco_actor_id": "id"}
            assert warm.handle(code, **variables) == (0, f"http://a:1 {token} id\n")

    def test_knows_when_the_binary_file_has_no_meaning(self, warm: Container, tmp_path: Path) -> None:
        data = tmp_path / "data"
        code = f"from abaco.actors import get_binary_message as get; print(get({str(data)!r}))"
        for content in (b"first", b""):
            data.write_bytes(content)
            assert warm.handle(code, _abaco_Content_Type="application/octet-stream") == (0, f"{content!r}\n")
        exit_code, output = warm.handle(code)
        assert (exit_code, "this execution's message was not binary" in output) == (1, True)

    def test_has_written_all_before_it_says_done(self, warm: Container) -> None:
        """Whoever wrote it: the process itself, through its buffers, or its children."""
        code = "import os, sys; print('x' * 3_000); os.system('echo child'); print('y', file=sys.stderr)"
        _, output = warm.handle(code)
        assert sorted(output.split()) == ["child", "x" * 3_000, "y"]

    def test_leaves_when_the_host_hangs_up(self, warm: Container) -> None:
        warm.handle("pass")
        warm.serving.close()
        assert warm.end() == (0, "")

    def test_dies_with_the_exit_code_of_the_handler_that_kills_it(self, warm: Container) -> None:
        assert warm.event() == Ready()
        warm.give("import os; os._exit(9)")
        assert warm.event() == Left(unread=False)
        assert warm.end()[0] == 9

    def test_is_ended_by_sigterm(self, warm: Container) -> None:
        warm.handle("pass")
        warm.process.terminate()
        assert warm.end()[0] == -15
        assert warm.event() == Left(unread=False)

    def test_takes_messages_of_many_megabytes(self, warm: Container) -> None:
        variables = {f"v{number}": "x" * 100_000 for number in range(40)}
        assert warm.handle("import os; print(sum(map(len, os.environ.values())) > 4_000_000)", **variables) == (
            0,
            "True\n",
        )

    def test_the_page_shows_it_in_another_language(self, path: Path) -> None:
        """The Perl program of docs/warm-actors.md, warm and cold."""
        page = (Path(__file__).parents[2] / "docs" / "warm-actors.md").read_text("utf-8")
        program = page.partition("```perl\n")[2].partition("```")[0].replace("/_abaco_serve.sock", str(path))
        variables = {"MSG": "cold", "_abaco_execution_id": "e0"}
        ordinary = subprocess.run(["perl", "-e", program], env=variables, capture_output=True, text=True, check=True)
        assert (ordinary.stdout, ordinary.stderr) == ("e0 got cold\n", "")
        container = Container(path, program, interpreter=("perl", "-e"))
        for text in ("one", "\u20ac " + "x" * 20_000):
            assert container.handle(text, _abaco_execution_id="e1") == (0, f"e1 got {text}\n")
        container.serving.close()
        assert container.end() == (0, "")
        container.close()


class TestTheHost:
    def test_an_ordinary_program_never_appears(self, path: Path) -> None:
        container = Container(path, "print('ordinary')")
        assert container.end() == (0, "ordinary\n")
        assert container.serving.receive() == []
        assert not container.serving.is_idle
        container.close()

    def test_every_user_may_connect_wherever_the_socket_lies(self, tmp_path: Path) -> None:
        deep = tmp_path / ("d" * 120)
        deep.mkdir()
        (deep / "serve.sock").write_text("of a former life")
        serving = ServeSocket(deep / "serve.sock")
        assert (deep / "serve.sock").stat().st_mode & 0o777 == 0o777
        serving.close()
        assert list(deep.iterdir()) == []
        serving.close()

    @pytest.mark.parametrize(
        "misbehaving",
        ['send(b\'{"type": "ready"}\'); take(); send(b\'{"type":"done","exit_code":4,"new":[{}]}\'); take()'],
        indirect=True,
    )
    def test_what_it_does_not_know_of_a_frame_does_not_matter(self, misbehaving: Container) -> None:
        assert misbehaving.handle("x") == (4, "")

    @pytest.mark.parametrize(
        ("misbehaving", "reason"),
        [
            ("send(b'')", "says nothing"),
            ("send(b'garbage')", "says nothing"),
            ("send(b'\\xff\\xfe')", "says nothing"),
            ("send(b'[' * 60_000)", "says nothing"),
            ("send(b'{\"a\":' * 10_000)", "says nothing"),
            ("send(b'1' * 60_000)", "says nothing"),
            ("send(b'[]')", "says nothing"),
            ("send(b'{}')", "says nothing"),
            ('send(b\'{"type": "run"}\')', "says nothing"),
            ('send(b\'{"type": "done", "exit_code": 0}\')', "out of turn"),
            ("send(b' ' * 65_537)", f"a frame of 65537 bytes; {MAX_FRAME_BYTES} are allowed"),
            ("send(b'', size=2**32 - 1)", "a frame of 4294967295 bytes"),
            ("connection.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')", "a frame of 1195725856 bytes"),
        ],
        indirect=["misbehaving"],
    )
    def test_a_broken_greeting_is_the_end(self, misbehaving: Container, reason: str) -> None:
        event = misbehaving.event()
        assert isinstance(event, Broken)
        assert reason in event.reason
        assert misbehaving.serving.receive() == []
        assert not misbehaving.serving.is_idle

    @pytest.mark.parametrize(
        ("misbehaving", "reason"),
        [
            (f'send(b\'{{"type":"ready"}}\'); take(); send({answer!r}); take()', reason)
            for answer, reason in [
                (b'{"type":"ready"}', "out of turn"),
                (b'{"type":"done"}', "exit_code"),
                (b'{"type":"done","exit_code":256}', "exit_code"),
                (b'{"type":"done","exit_code":-1}', "exit_code"),
                (b'{"type":"done","exit_code":true}', "exit_code"),
                (b'{"type":"done","exit_code":"0"}', "exit_code"),
                (b'{"type":"done","exit_code":0.5}', "exit_code"),
                (b'{"type":"done","exit_code":' + b"9" * 60_000 + b"}", "says nothing"),
                (b'{"type":"done","exit_code":0} ' + b"x", "says nothing"),
            ]
        ],
        indirect=["misbehaving"],
    )
    def test_a_broken_answer_is_the_end(self, misbehaving: Container, reason: str) -> None:
        assert misbehaving.event() == Ready()
        misbehaving.give("x")
        event = misbehaving.event()
        assert isinstance(event, Broken)
        assert reason in event.reason

    @pytest.mark.parametrize(
        "misbehaving",
        [
            'send(b\'{"type":"ready"}\'); take()\n'
            'answer = b\'{"type":"done","exit_code":5}\'\n'
            "frame = len(answer).to_bytes(4, 'big') + answer\n"
            f"connection.sendall(frame + {more}); take()"
            for more in ("frame", "b'x'")
        ],
        indirect=True,
    )
    def test_who_goes_on_talking_has_still_answered(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Ready()
        misbehaving.give("x")
        assert misbehaving.event() == Done(5)
        assert misbehaving.event() == Broken("it sent a frame out of turn")

    @pytest.mark.parametrize("misbehaving", ["send(b'{\"type\":\"ready\"}'); send(b''); take()"], indirect=True)
    def test_who_speaks_unasked_gets_no_message(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Ready()
        assert isinstance(misbehaving.event(), Broken)
        assert not misbehaving.serving.is_idle

    @pytest.mark.parametrize(
        "misbehaving",
        ['for byte in b\'\\0\\0\\0\\x10{"type":"ready"}\': connection.sendall(bytes([byte]))'],
        indirect=True,
    )
    def test_a_frame_may_come_in_pieces(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Ready()
        assert misbehaving.event() == Left(unread=False)

    @pytest.mark.parametrize(
        "misbehaving", ["connection.sendall(b'\\0\\0\\0\\x10{\"type\":')", "connection.close()"], indirect=True
    )
    def test_who_leaves_before_the_greeting_is_an_ordinary_program(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Left(unread=False)
        assert misbehaving.end() == (0, "")

    @pytest.mark.parametrize("misbehaving", ['send(b\'{"type":"ready"}\'); signal.pause()'], indirect=True)
    def test_nobody_waits_for_a_program_that_does_not_read(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Ready()
        misbehaving.give("x" * 20_000_000)
        ready, _, _ = select.select([misbehaving.serving], [], [], 0)
        assert not ready  # the loop does not spin
        assert misbehaving.serving.receive() == []
        misbehaving.process.kill()
        assert misbehaving.event() == Left(unread=True)

    @pytest.mark.parametrize(
        "misbehaving",
        ['send(b\'{"type":"ready"}\'); connection.recv(1)\nsend(b\'{"type":"done","exit_code":0}\'); signal.pause()'],
        indirect=True,
    )
    def test_who_answers_before_having_read_is_out_of_turn(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Ready()
        misbehaving.give("x" * 20_000_000)
        assert misbehaving.event() == Broken("it sent a frame out of turn")

    def test_one_program_serves_and_others_are_refused(self, warm: Container, path: Path) -> None:
        assert warm.event() == Ready()
        with socket.socket(socket.AF_UNIX) as second, pytest.raises(ConnectionRefusedError):
            second.connect(str(path))
        assert warm.handle("print('served')") == (0, "started\nserved\n")

    def test_a_rival_in_the_queue_is_turned_away(self, path: Path) -> None:
        serving = ServeSocket(path)
        with socket.socket(socket.AF_UNIX) as first, socket.socket(socket.AF_UNIX) as second:
            first.connect(str(path))
            second.connect(str(path))
            assert serving.receive() == []
            with pytest.raises(ConnectionResetError):
                second.recv(1)
            frame = json.dumps({"type": "ready"}).encode()
            first.sendall(len(frame).to_bytes(4, "big") + frame)
            assert serving.receive() == [Ready()]
        serving.close()

    @pytest.mark.parametrize("misbehaving", ['send(b\'{"type":"ready"}\'); signal.pause()'], indirect=True)
    def test_who_hangs_up_takes_no_message(self, misbehaving: Container) -> None:
        assert misbehaving.event() == Ready()
        assert misbehaving.serving.is_quiet()
        misbehaving.process.kill()
        misbehaving.process.wait()
        assert not misbehaving.serving.is_quiet()
        assert misbehaving.serving.is_idle  # as far as it has been told
        misbehaving.give("pass")
        assert misbehaving.event() == Left(unread=True)
