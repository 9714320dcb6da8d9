"""Files of actors over a network with troubles: what is sent again, and what is given up."""

import hashlib
from collections.abc import Callable

import httpx
import pytest

from abaco.client import Abaco
from abaco.errors import InternalError, NotFound, TooLarge, Unavailable

from .fake_server import TOKEN, URL, FakeClock

PIECES = [b"first " * 100_000, b"", b"second"]
DATA = b"".join(PIECES)
DIGEST = f"sha256:{hashlib.sha256(DATA).hexdigest()}"
Trouble = httpx.Response | Exception


class Keeper:
    """A server with files; `troubles` are what happens instead, in order, one for each request."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.troubles: list[Trouble | None] = []
        self.asked: list[str] = []
        self.clock = FakeClock()
        self.ab = Abaco(URL, TOKEN, transport=httpx.MockTransport(self.answer), clock=self.clock)

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.method)
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, Exception):
            raise trouble
        if trouble is not None:
            return trouble
        if request.method == "HEAD":
            assert request.url.params["size"] == str(len(DATA))
        actor, _, digest = request.url.path.removeprefix("/actors/v2/").partition("/files/")
        assert actor == "sums"
        if request.method == "PUT":
            assert request.headers["content-length"] == str(len(request.content))
            assert "transfer-encoding" not in request.headers
            self.files[digest] = request.content
            return httpx.Response(200, json={"result": {}, "status": "success", "message": "", "version": ""})
        found = self.files.get(digest)
        return refusal(404, "not_found") if found is None else httpx.Response(200, content=found)

    def upload(self) -> str:
        return self.ab.files.upload("sums", [memoryview(piece) for piece in PIECES])

    def download(self, *lengths: int, digest: str = DIGEST) -> bytes:
        frames = [bytearray(length) for length in lengths]
        self.ab.files.download("sums", digest, [memoryview(frame) for frame in frames])
        return b"".join(frames)


def refusal(status: int, code: str) -> httpx.Response:
    body = {"message": "No.", "status": "error", "version": "", "result": None}
    return httpx.Response(status, json=body, headers={"X-Abaco-Error-Code": code})


@pytest.fixture
def keeper() -> Keeper:
    return Keeper()


def test_what_is_there_is_not_sent_again(keeper: Keeper) -> None:
    assert keeper.upload() == keeper.upload() == DIGEST
    assert keeper.files == {DIGEST: DATA}
    assert keeper.asked == ["HEAD", "PUT", "HEAD"]


def test_a_file_fills_frames_of_any_length(keeper: Keeper) -> None:
    keeper.upload()
    assert keeper.download(1, 0, 500_000, len(DATA) - 500_001) == DATA


@pytest.mark.parametrize(
    "trouble",
    [
        lambda: httpx.ReadError("reset"),
        lambda: httpx.RemoteProtocolError("closed"),
        lambda: httpx.ConnectError("refused"),
        lambda: refusal(503, "unavailable"),
    ],
    ids=["reset", "closed", "refused", "503"],
)
def test_after_trouble_it_is_tried_again(keeper: Keeper, trouble: Callable[[], Trouble]) -> None:
    keeper.troubles = [trouble(), None, trouble()]
    keeper.upload()
    assert keeper.files == {DIGEST: DATA}
    keeper.troubles = [trouble(), trouble()]
    assert keeper.download(len(DATA)) == DATA


def test_it_is_not_tried_for_ever(keeper: Keeper) -> None:
    keeper.troubles = [httpx.ReadError("reset") for _ in range(100)]
    with pytest.raises(Unavailable):
        keeper.upload()
    with pytest.raises(Unavailable):
        keeper.download(1)
    assert len(keeper.asked) == 12


def test_a_refusal_is_not_tried_again(keeper: Keeper) -> None:
    keeper.troubles = [None, refusal(400, "too_large")]
    with pytest.raises(TooLarge, match="No"):
        keeper.upload()
    with pytest.raises(NotFound):
        keeper.download(5)
    assert keeper.asked == ["HEAD", "PUT", "GET"]


def test_what_would_be_refused_is_not_sent(keeper: Keeper) -> None:
    keeper.troubles = [httpx.Response(400), refusal(400, "too_large")]
    with pytest.raises(TooLarge, match="No"):
        keeper.upload()
    assert keeper.asked == ["HEAD", "GET"]


@pytest.mark.parametrize(("length", "saying"), [(-1, "longer"), (1, "shorter")])
def test_a_file_of_another_length_is_none(keeper: Keeper, length: int, saying: str) -> None:
    keeper.upload()
    with pytest.raises(InternalError, match=f"is {saying} than was said"):
        keeper.download(len(DATA) + length)
