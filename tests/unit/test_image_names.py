import pytest

from abaco.domain.image import at_digest, home, normalize, pushed_name, registry
from abaco.errors import InvalidInput, NotPermitted

DIGEST = "sha256:" + "0a" * 32


@pytest.mark.parametrize(
    ("name", "normal"),
    [
        ("abacosamples/test", "abacosamples/test:latest"),
        ("redis", "redis:latest"),
        ("library/redis:7", "redis:7"),
        ("docker.io/library/redis", "redis:latest"),
        ("index.docker.io/abacosamples/test:1.2", "abacosamples/test:1.2"),
        ("localhost:5000/x", "localhost:5000/x:latest"),
        ("localhost/x:1", "localhost/x:1"),
        ("127.0.0.1:5000/team/x", "127.0.0.1:5000/team/x:latest"),
        ("[::1]:5000/team/x", "[::1]:5000/team/x:latest"),
        ("ghcr.io/library/x:v1", "ghcr.io/library/x:v1"),
        (f"redis@{DIGEST}", f"redis@{DIGEST}"),
        (f"docker.io/a/b:tag@{DIGEST}", f"a/b@{DIGEST}"),
        ("a/b/c-d__e.f", "a/b/c-d__e.f:latest"),
    ],
)
def test_every_spelling_has_one_normal_form(name: str, normal: str) -> None:
    assert normalize(name) == normal
    assert normalize(normal) == normal


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "Upper/case",
        "a b",
        "a/",
        "/a",
        "a//b",
        "a:",
        "a:b:c",
        "-a",
        "a@sha256:12",
        "--help",
        "../x",
        "a\nb",
        "x" * 600,
    ],
)
def test_what_cannot_be_a_name_is_refused_with_advice(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not the name of an image"):
        normalize(name)


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("redis:7", "docker.io"),
        ("a/b:1", "docker.io"),
        ("localhost:5000/x:1", "localhost:5000"),
        ("ghcr.io/x:1", "ghcr.io"),
    ],
)
def test_the_registry_of_a_name(name: str, host: str) -> None:
    assert registry(name) == host


def test_a_digest_takes_the_place_of_the_tag() -> None:
    assert at_digest("localhost:5000/x:1", DIGEST) == f"localhost:5000/x@{DIGEST}"
    assert at_digest(f"a/b@sha256:{'1' * 64}", DIGEST) == f"a/b@{DIGEST}"


@pytest.mark.parametrize(
    ("tenant", "user", "expected"),
    [
        ("DEV", "ada", "dev/ada"),
        ("TACC-PROD", "jane.doe", "tacc-prod/jane.doe"),
        ("dev", "Jane", "dev/x--"),
        ("dev", "jane@example.org", "dev/x--"),
        ("dev", "x--4a", "dev/x--"),
        ("tacc.prod", "jane", "x--"),
        ("localhost", "jane", "x--"),
        ("library", "jane", "x--"),
        ("dev", "ünï", "dev/x--"),
        ("dev", "../..", "dev/x--"),
    ],
)
def test_everybody_has_a_home_that_is_a_name(tenant: str, user: str, expected: str) -> None:
    own = home(tenant, user)
    assert own.startswith(expected)
    assert normalize(f"{own}/wc") == f"{own}/wc:latest"
    assert registry(f"{own}/wc") == "docker.io"
    assert own.count("/") == 1


def test_no_two_have_the_same_home() -> None:
    names = ["jane", "Jane", "JANE", "jane.", "jane@x", "jane-x", "x--jane", home("dev", "Jane").partition("/")[2]]
    assert len({home("dev", name) for name in names}) == len(names)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("wc", "dev/ada/wc:latest"), ("wc:1", "dev/ada/wc:1"), ("dev/ada/tools/wc", "dev/ada/tools/wc:latest")],
)
def test_own_names(name: str, expected: str) -> None:
    assert pushed_name(name, "DEV", "ada", is_admin=False) == expected


def test_a_home_is_no_prefix_of_anothers() -> None:
    with pytest.raises(NotPermitted):
        pushed_name("dev/adam/wc", "dev", "ada", is_admin=False)
    with pytest.raises(NotPermitted):
        pushed_name("dev2/ada/wc", "dev", "adm", is_admin=True)
