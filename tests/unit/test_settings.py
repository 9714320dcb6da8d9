"""Settings: where they come from, and what is said of wrong ones."""

import re
from pathlib import Path
from typing import Any

import pytest

from abaco.domain.queue import Queue
from abaco.errors import InvalidInput
from abaco.settings import FILE_NAME, SETTING_NAMES, Settings, read_settings, setting_meanings


def _read(data: Path, environment: dict[str, str] | None = None, **flags: Any) -> Settings:
    return read_settings({"data": str(data), **flags}, environment or {})[0]


def test_flags_come_before_the_environment_before_the_file_before_defaults(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("port = 1001\nmax_pids = 111\nlog_ex = 21\n")
    environment = {"ABACO_PORT": "1002", "ABACO_MAX_PIDS": "112", "OTHER_PORT": "9", "ABACO_RESULT_EX": ""}

    settings, sources = read_settings({"data": str(tmp_path), "port": 1003, "host": None}, environment)

    assert (settings.port, settings.max_pids, settings.log_ex) == (1003, 112, 21)
    assert [sources[name] for name in ("port", "max_pids", "log_ex", "host", "result_ex")] == [
        "flag",
        "environment",
        "file",
        "default",
        "default",
    ]
    assert set(sources) == set(SETTING_NAMES)


def test_the_data_directory_has_to_be_said(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="--data DIR"):
        read_settings({}, {})
    assert read_settings({}, {"ABACO_DATA": str(tmp_path)})[0].data == tmp_path


def test_every_problem_is_named_at_once(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("port = 'high'\nportt = 1\n")
    with pytest.raises(InvalidInput) as refused:
        _read(tmp_path, {"ABACO_LEASE_SECONDS": "0.5"}, runtime="podman")
    for words in (f"{FILE_NAME}: unknown setting 'portt'", "port (from file)", "lease_seconds (from environment)"):
        assert words in refused.value.message
    assert "runtime (from flag)" in refused.value.message


@pytest.mark.parametrize("given", [{"tls_cert": "/c.pem"}, {"tls_key": "/k.pem"}])
def test_certificate_and_key_go_together(tmp_path: Path, given: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput, match="tls_cert and tls_key go together"):
        _read(tmp_path, **given)


@pytest.mark.parametrize(
    ("given", "saying"),
    [
        ({"container_subnet": "abc"}, "container_subnet: "),
        ({"container_subnet": "10.9.0.0/31"}, "container_subnet must have 8 addresses"),
        ({"container_subnet": "10.9.0.1/16"}, "container_subnet: "),
        ({"blocked_networks": "169.254.0.0/16,x"}, "blocked_networks: "),
        ({"disk_limit": "lots"}, "disk_limit must be"),
        ({"global_mounts": "/a:b"}, "mount '/a:b' is not"),
    ],
)
def test_what_isolates_containers_is_checked_by_name(tmp_path: Path, given: dict[str, Any], saying: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(saying)):
        _read(tmp_path, **given)


def test_a_broken_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_text("port = \n")
    with pytest.raises(InvalidInput, match=FILE_NAME):
        _read(tmp_path)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ({}, "http://127.0.0.1:8000"),
        ({"host": "0.0.0.0", "port": 80}, "http://127.0.0.1"),
        ({"host": "::", "port": 81}, "http://127.0.0.1:81"),
        ({"tls_cert": "/c.pem", "tls_key": "/k.pem", "port": 443}, "https://127.0.0.1"),
        ({"tls_cert": "/c.pem", "tls_key": "/k.pem", "port": 80}, "https://127.0.0.1:80"),
        ({"tls_cert": "/c.pem", "tls_key": "/k.pem"}, "https://127.0.0.1:8000"),
        ({"api_server": "https://abaco.example/"}, "https://abaco.example"),
    ],
    ids=str,
)
def test_the_base_url_is_what_users_write(tmp_path: Path, given: dict[str, Any], url: str) -> None:
    assert _read(tmp_path, **given).base_url == url


def test_registries_are_a_list_separated_by_commas(tmp_path: Path) -> None:
    settings = _read(tmp_path, {"ABACO_INSECURE_REGISTRIES": "a:5000, b:5000,"})
    assert settings.insecure_registries == ("a:5000", "b:5000")


def test_without_a_database_url_it_is_a_file_in_the_data_directory(tmp_path: Path) -> None:
    assert _read(tmp_path).database_url == f"sqlite:///{tmp_path}/abaco.db"
    assert _read(tmp_path, database="postgresql://x/y").database_url == "postgresql://x/y"


def test_every_setting_has_a_meaning() -> None:
    assert set(setting_meanings()) == set(SETTING_NAMES)


class TestQueues:
    def test_there_is_always_the_default_one(self, tmp_path: Path) -> None:
        settings = _read(tmp_path, max_workers=7, mem_limit="1g", max_cpus=5)
        assert settings.all_queues == {"default": Queue(7, "1g", 5)}

    def test_others_come_from_the_file_or_as_json_and_inherit_what_they_do_not_say(self, tmp_path: Path) -> None:
        (tmp_path / FILE_NAME).write_text(
            'max_workers = 7\n[queues.gpu]\nmax_workers = 2\ngpus = ["nvidia.com/gpu=0"]\n'
        )
        expected = {"default": Queue(7), "gpu": Queue(2, gpus=("nvidia.com/gpu=0",))}
        assert _read(tmp_path).all_queues == expected
        as_json = '{"default": {"max_workers": 3}, "large": {"mem_limit": "64g", "max_cpus": 16000000000}}'
        assert _read(tmp_path, {"ABACO_QUEUES": as_json}).all_queues == {
            "default": Queue(3),
            "large": Queue(7, "64g", 16_000_000_000),
        }

    @pytest.mark.parametrize(
        ("text", "saying"),
        [
            ("{", "queues (from environment)"),
            ("[]", "queues (from environment)"),
            ('{"a": {"max_worker": 1}}', "max_worker"),
            ('{"a": {"max_workers": 0}}', "queue a: max_workers must be at least 1"),
            ('{"a": {"mem_limit": "much"}}', "queue a: mem_limit must be"),
            ('{"a b": {}}', "'a b' is no name for a queue"),
            ('{"a": {"gpus": ["gpu0"]}}', "queue a: 'gpu0' is no device's CDI name"),
            ('{"a": {"gpus": ["x.org/g=0"]}, "b": {"gpus": ["x.org/g=0"]}}', "named already (in queue a)"),
            ('{"a": {"gpus": ["x.org/g=0", "x.org/g=0"]}}', "named already"),
        ],
    )
    def test_wrong_ones_are_refused_with_the_reason(self, tmp_path: Path, text: str, saying: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            _read(tmp_path, {"ABACO_QUEUES": text})
        assert saying in refused.value.message
