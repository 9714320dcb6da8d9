"""`abaco admin` and who may use the server."""

import fcntl
import io
import json
from pathlib import Path

import pytest
from api.jwts import public_der, public_pem
from argon2 import PasswordHasher
from runtime.samples import add_file, busybox_layer, oci_archive

from abaco.bootstrap.admin import Admin, open_admin
from abaco.cli.main import run
from abaco.domain.ids import digest
from abaco.domain.moment import utc_now
from abaco.domain.tenant import Tenant
from abaco.domain.user import Role, User
from abaco.settings import Settings

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ABACO_DATA", str(tmp_path / "data"))
    monkeypatch.delenv("ABACO_DATABASE", raising=False)
    return tmp_path / "data"


def admin(*arguments: str, expected: int = 0) -> None:
    assert run(["admin", *arguments]) == expected


def rows(capsys: Capture) -> list[list[str]]:
    """What was printed, without the head."""
    return [line.split() for line in capsys.readouterr().out.splitlines()[1:]]


def use(data: Path) -> Admin:
    with open_admin(Settings(data=data), create=False) as opened:
        return opened


def test_tenants_are_added_changed_and_listed(data: Path, tmp_path: Path, capsys: Capture) -> None:
    pem, der, bad = tmp_path / "key.pem", tmp_path / "key.der64", tmp_path / "bad.pem"
    pem.write_text(public_pem())
    der.write_text("".join(public_pem().splitlines()[1:-1]))
    bad.write_bytes(public_der())
    admin("tenant", "add", "LAB", "--api-server", "https://lab.test")
    admin("tenant", "add", "LAB", "--gateway-public-key", str(pem))
    admin("tenant", "add", "OLD", "--gateway-public-key", str(der))
    admin("tenant", "add", "NEW", "--gateway-public-key", str(bad), expected=2)
    admin("tenant", "add", "lab", expected=6)
    capsys.readouterr()
    admin("tenant", "list")
    assert rows(capsys) == [
        ["LAB", "https://lab.test", "yes"],
        ["OLD", "http://127.0.0.1:8000", "yes"],
        ["dev", "http://127.0.0.1:8000", "no"],
    ]
    assert use(data).store.tenants.find("LAB") == Tenant("LAB", "https://lab.test", public_pem())


def test_a_password_may_be_piped(data: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    admin("user", "add", "ada")
    with open_admin(Settings(data=data), create=False) as opened:
        found = opened.store.users.find_password("dev", "ada")
    assert found is not None
    assert PasswordHasher().verify(found[1], "correct horse")
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    capsys.readouterr()
    admin("user", "add", "bob", expected=2)
    assert "password may not be empty" in capsys.readouterr().err


def test_others_on_the_machine_read_nothing_even_where_the_directory_was_open_to_them(data: Path) -> None:
    data.mkdir(mode=0o755)
    data.chmod(0o755)
    admin("user", "add", "ada", "--password", "pw")
    for path in (*data.glob("abaco.db"), *data.glob("abaco.db-wal"), data / "images", data / "run"):
        assert path.stat().st_mode & 0o077 == 0, path


def test_users_are_added_with_what_is_known_of_them(data: Path, capsys: Capture) -> None:
    told = ["--email", "ada@example.org", "--first-name", "Ada", "--last-name", "Lovelace", "--phone", "1"]
    told += ["--mobile-phone", "2", "--uid", "7", "--gid", "8", "--role", "admin", "--role", "user"]
    admin("user", "add", "ada", "--password", "pw", *told)
    admin("user", "add", "bob", "--password", "pw")
    admin("user", "add", "ABACO_WORLD", "--password", "pw", expected=2)
    admin("user", "add", "cy", "--password", "pw", "--email", "x" * 300, expected=2)
    admin("user", "add", "cy", "--password", "pw", "--uid", str(2**32 - 1), expected=2)
    assert "User ada of tenant dev is there." in capsys.readouterr().out
    admin("user", "list")
    assert rows(capsys) == [["ada", "admin,", "user", "7", "8", "ada@example.org"], ["bob", "user"]]
    profile = {
        "email": "ada@example.org",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "phone": "1",
        "mobile_phone": "2",
    }
    ada = use(data).store.users.find("dev", "ada")
    assert ada == User("dev", "ada", frozenset({Role.ADMIN, Role.USER}), 7, 8, profile)


def test_what_stands_for_a_user_is_revoked(data: Path, capsys: Capture) -> None:
    admin("user", "add", "ada", "--password", "pw")
    capsys.readouterr()
    admin("token", "ada")
    token = capsys.readouterr().out.strip()
    tokens = use(data).store.tokens
    assert tokens.find_user(digest(token), utc_now()) is not None
    admin("revoke", "ada", "--tenant", "nowhere", expected=3)
    admin("revoke", "ada")
    assert tokens.find_user(digest(token), utc_now()) is None
    assert "ada" in capsys.readouterr().out


def test_a_removed_user_is_gone_until_added_again(data: Path, capsys: Capture) -> None:
    admin("user", "add", "ada", "--password", "pw")
    admin("user", "remove", "ada")
    for words in (["user", "remove", "ada"], ["user", "remove", "nobody"], ["token", "ada"]):
        admin(*words, expected=3)
    capsys.readouterr()
    admin("user", "list")
    assert rows(capsys) == []
    admin("user", "add", "ada", "--password", "pw")
    admin("token", "ada")


@pytest.mark.parametrize("words", [["tenant", "list"], ["user", "list"], ["user", "remove", "ada"], ["revoke", "ada"]])
def test_what_changes_nothing_makes_no_data_directory(data: Path, words: list[str]) -> None:
    admin(*words, expected=3)
    assert not data.exists()


def test_images_that_nobody_names_are_removed_while_no_server_runs(data: Path, tmp_path: Path, capsys: Capture) -> None:
    for program in (b"first", b"second"):
        oci_archive(tmp_path / "image.tar", busybox_layer(lambda tar, p=program: add_file(tar, "x", p)), {})  # type: ignore[misc]
        admin("image", "import", str(tmp_path / "image.tar"), "team/actor")
    with (data / "run/serve.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        admin("image", "prune", expected=5)
    assert "stop it first" in capsys.readouterr().err
    admin("image", "prune")
    assert capsys.readouterr().out == "1 images are gone.\n"
    assert len([*(data / "images/unpacked").iterdir()]) == 1
    admin("image", "prune")
    assert capsys.readouterr().out == "0 images are gone.\n"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:s3cret@h:5432/db", "postgresql://u:***@h:5432/db"),
        ("postgresql://u:s3:cret@h/db", "postgresql://u:***@h/db"),
        ("postgresql://u:/s3cret?@h/db", "postgresql://u:***@h/db"),
        ("postgresql://h/db?user=u&password=s3cret", "postgresql://h/db?password=***&user=u"),
        (
            "postgresql:///db?password=s3cret&password=b&sslpassword=s3cret",
            "postgresql:///db?password=***&sslpassword=***",
        ),
        ("postgresql://u:p@s3cret@h/db", "***"),
        ("postgresql://u:s3cret", "***"),
        ("postgresql://u@h/db", "postgresql://u@h/db"),
        ("sqlite:////var/lib/abaco.db", "sqlite:////var/lib/abaco.db"),
    ],
)
def test_settings_show_no_password_of_the_database(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture, url: str, shown: str
) -> None:
    monkeypatch.setenv("ABACO_DATABASE", url)
    assert run(["settings", "-o", "json"]) == 0
    settings = {each["name"]: each["value"] for each in json.loads(capsys.readouterr().out)}
    assert (settings["database"], settings["data"]) == (shown, str(data))


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize("url", ["postgresql://u:s3cret", "postgresql://u:p@s3cret@h/db"])
def test_a_wrong_url_of_the_database_is_refused_without_its_password(capsys: Capture, url: str) -> None:
    assert run(["admin", "--database", url, "tenant", "add", "LAB"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("abaco: error: database ")
    assert "s3cret" not in err
