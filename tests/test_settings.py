"""Settings: what is read, what is made on first use, the sentence for each thing that is wrong."""

from __future__ import annotations

import base64
import multiprocessing
import os
import stat
import subprocess
import sys
from dataclasses import FrozenInstanceError
from datetime import timedelta
from pathlib import Path

import pytest

from config import LANGUAGES, ROOT, Settings, SettingsError, flask_config

SECRET = "s3cret" * 8
FIELD_KEY = base64.b64encode(bytes(range(32))).decode()


def problems(tmp_path: Path, **env: str) -> list[str]:
    """Return the problems of an environment whose data folder is fine unless it says otherwise."""
    with pytest.raises(SettingsError) as caught:
        Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path), **env})
    return caught.value.problems


def settings(tmp_path: Path, **env: str) -> Settings:
    return Settings.from_env({"PORTAL_DATA_DIR": str(tmp_path), **env})


def test_an_empty_environment_gives_the_documented_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.ROOT", tmp_path)
    read = Settings.from_env({})
    assert read.data_dir == tmp_path / "var"
    assert read.data_dir.is_dir()
    assert read.database_url == f"sqlite:///{tmp_path}/var/portal.db"
    assert (read.port, read.https, read.demo_password) == (8080, False, None)
    assert (read.time_zone, read.log_level) == ("Asia/Taipei", "INFO")
    assert not read.is_postgresql


def test_a_blank_variable_counts_as_absent(tmp_path: Path) -> None:
    names = [
        "DATABASE_URL", "PORT", "SECRET_KEY", "FIELD_KEY",
        "DEMO_PASSWORD", "HTTPS", "TIME_ZONE", "LOG_LEVEL",
    ]  # fmt: skip
    read = settings(tmp_path, **{f"PORTAL_{name}": " " for name in names})
    assert read == settings(tmp_path)


def test_every_setting_can_be_given(tmp_path: Path) -> None:
    read = settings(
        tmp_path / "kept" / "here",
        PORTAL_DATABASE_URL="postgresql://portal:pass@db.office/portal?sslmode=require",
        PORTAL_PORT="9000",
        PORTAL_SECRET_KEY=SECRET,
        PORTAL_FIELD_KEY=FIELD_KEY,
        PORTAL_DEMO_PASSWORD="ten letters",
        PORTAL_HTTPS="1",
        PORTAL_TIME_ZONE="Asia/Shanghai",
        PORTAL_LOG_LEVEL="debug",
    )
    assert read == Settings(
        database_url="postgresql+psycopg://portal:pass@db.office/portal?sslmode=require",
        data_dir=tmp_path / "kept" / "here",
        secret_key=SECRET,
        field_key=bytes(range(32)),
        port=9000,
        demo_password="ten letters",
        https=True,
        time_zone="Asia/Shanghai",
        log_level="DEBUG",
    )
    assert read.is_postgresql
    assert list(read.data_dir.iterdir()) == [], "keys that are given are not kept"


def test_settings_do_not_change(tmp_path: Path) -> None:
    read = settings(tmp_path)
    with pytest.raises(FrozenInstanceError):
        read.port = 1  # type: ignore[misc]


# ------------------------------------------------------------------ the database


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg"])
def test_postgresql_is_reached_by_psycopg_whatever_the_spelling(tmp_path: Path, scheme: str) -> None:
    read = settings(tmp_path, PORTAL_DATABASE_URL=f"{scheme}://u:p%40ss@127.0.0.1:5433/portal")
    assert read.database_url == "postgresql+psycopg://u:p%40ss@127.0.0.1:5433/portal"


def test_a_relative_sqlite_file_is_sought_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    read = settings(tmp_path, PORTAL_DATABASE_URL="sqlite:///mine.db")
    assert read.database_url == f"sqlite:///{tmp_path}/mine.db"


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("hunter2hunter2", "is not a database address such as"),
        ("postgresql://u:hunter2@host:port/portal", "is not a database address such as"),
        ("mysql://u:hunter2@host/portal", "is neither sqlite: nor postgresql:"),
        ("postgresql+psycopg2://u:hunter2@host/portal", "is neither sqlite: nor postgresql:"),
        ("postgresql://u:hunter2@host", "names no database"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:hunter2?mode=memory&uri=true", "names no file"),
        ("sqlite:////no/such/folder/portal.db", "in a folder that does not exist: /no/such/folder"),
    ],
)
def test_a_database_the_portal_cannot_use_is_told_without_its_password(tmp_path: Path, url: str, sentence: str) -> None:
    told = problems(tmp_path, PORTAL_DATABASE_URL=url)
    assert len(told) == 1
    assert told[0].startswith("PORTAL_DATABASE_URL ")
    assert sentence in told[0]
    assert "hunter2" not in told[0]


# ------------------------------------------------------------------ the data folder


def test_a_data_folder_that_is_a_file_is_the_only_thing_told(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    told = problems(tmp_path, PORTAL_DATA_DIR=str(tmp_path / "taken"))
    assert told == [f"PORTAL_DATA_DIR: cannot write in the folder {tmp_path}/taken (File exists)."]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    (told,) = problems(tmp_path)
    assert told.startswith(f"PORTAL_DATA_DIR: cannot write in the folder {tmp_path} ")


def test_a_new_data_folder_is_closed_to_others(tmp_path: Path) -> None:
    read = settings(tmp_path / "new")
    assert stat.S_IMODE(read.data_dir.stat().st_mode) == 0o700


# ------------------------------------------------------------------ the keys


def test_keys_are_made_once_kept_and_closed_to_others(tmp_path: Path) -> None:
    first, second = settings(tmp_path), settings(tmp_path)
    assert first == second
    assert len(first.secret_key) >= 32
    assert len(first.field_key) == 32
    assert sorted(path.name for path in tmp_path.iterdir()) == ["field_key", "secret_key"]
    for path in tmp_path.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_two_portals_have_different_keys(tmp_path: Path) -> None:
    one, other = settings(tmp_path / "one"), settings(tmp_path / "other")
    assert one.secret_key != other.secret_key
    assert one.field_key != other.field_key


def test_a_key_that_is_given_leaves_the_kept_one_alone(tmp_path: Path) -> None:
    kept = settings(tmp_path).secret_key
    assert settings(tmp_path, PORTAL_SECRET_KEY=SECRET).secret_key == SECRET
    assert settings(tmp_path).secret_key == kept


def _keys(data_dir: str) -> tuple[str, bytes]:
    read = Settings.from_env({"PORTAL_DATA_DIR": data_dir})
    return read.secret_key, read.field_key


@pytest.mark.slow
def test_workers_that_boot_at_once_agree_on_the_keys(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        for attempt in range(25):
            folder = tmp_path / str(attempt)
            assert len(set(pool.map(_keys, [str(folder)] * 4, chunksize=1))) == 1
            assert sorted(path.name for path in folder.iterdir()) == ["field_key", "secret_key"]


def test_a_short_secret_key_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, PORTAL_SECRET_KEY="hunter2") == [
        "PORTAL_SECRET_KEY, or the file that keeps it, is shorter than 32 bytes."
    ]
    (tmp_path / "secret_key").write_text("hunter2\n")
    assert problems(tmp_path) == ["PORTAL_SECRET_KEY, or the file that keeps it, is shorter than 32 bytes."]


def test_a_secret_key_is_counted_in_bytes(tmp_path: Path) -> None:
    assert settings(tmp_path, PORTAL_SECRET_KEY="客服" * 6).secret_key == "客服" * 6


@pytest.mark.parametrize("key", ["hunter2", FIELD_KEY[:-4], FIELD_KEY + "AAAA", "客服" * 16])
def test_a_field_key_of_another_shape_is_refused(tmp_path: Path, key: str) -> None:
    assert problems(tmp_path, PORTAL_FIELD_KEY=key) == [
        "PORTAL_FIELD_KEY, or the file that keeps it, is not 32 bytes in base64."
    ]


def test_a_field_key_may_be_written_for_addresses(tmp_path: Path) -> None:
    key = bytes([255] * 32)
    text = base64.urlsafe_b64encode(key).decode()
    assert settings(tmp_path, PORTAL_FIELD_KEY=text).field_key == key


def test_a_key_file_that_is_empty_is_told_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "field_key").touch()
    assert problems(tmp_path) == [f"PORTAL_FIELD_KEY is not set, and the file {tmp_path}/field_key is empty."]
    assert (tmp_path / "field_key").read_bytes() == b""


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_key_file_that_cannot_be_read_is_told(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "secret_key"
    path.mkdir() if content is None else path.write_bytes(content)
    assert problems(tmp_path) == [f"PORTAL_SECRET_KEY is not set, and the file {path} cannot be read or made."]


# ------------------------------------------------------------------ the rest


@pytest.mark.parametrize("port", ["0", "65536", "-1", "80a", "8e3", "8080.0", "9" * 5000, "８０"])
def test_a_port_out_of_range_is_refused(tmp_path: Path, port: str) -> None:
    assert problems(tmp_path, PORTAL_PORT=port) == [f"PORTAL_PORT is not a port from 1 to 65535: {port}."]


@pytest.mark.parametrize("port", ["1", "65535"])
def test_the_first_and_last_port_are_accepted(tmp_path: Path, port: str) -> None:
    assert settings(tmp_path, PORTAL_PORT=port).port == int(port)


def test_a_short_demo_password_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, PORTAL_DEMO_PASSWORD="hunter2") == ["PORTAL_DEMO_PASSWORD is shorter than 10 characters."]


@pytest.mark.parametrize("value", ["yes", "true", "2", "on"])
def test_https_is_0_or_1(tmp_path: Path, value: str) -> None:
    assert problems(tmp_path, PORTAL_HTTPS=value) == [f"PORTAL_HTTPS is neither 0 nor 1: {value}."]


@pytest.mark.parametrize("zone", ["Taipei", "Asia", "../etc/passwd", "/etc/localtime", "台北"])
def test_a_time_zone_that_does_not_exist_is_refused(tmp_path: Path, zone: str) -> None:
    assert problems(tmp_path, PORTAL_TIME_ZONE=zone) == [
        f"PORTAL_TIME_ZONE is not a time zone such as Asia/Taipei: {zone}."
    ]


def test_a_log_level_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    assert problems(tmp_path, PORTAL_LOG_LEVEL="LOUD") == [
        "PORTAL_LOG_LEVEL is none of DEBUG, INFO, WARNING, ERROR, CRITICAL: LOUD."
    ]


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    told = problems(
        tmp_path,
        PORTAL_DATABASE_URL="mysql://h/d",
        PORTAL_SECRET_KEY="short",
        PORTAL_FIELD_KEY="short",
        PORTAL_PORT="x",
        PORTAL_DEMO_PASSWORD="short",
        PORTAL_HTTPS="x",
        PORTAL_TIME_ZONE="x",
        PORTAL_LOG_LEVEL="x",
    )
    assert len(told) == 8
    assert all(problem.startswith("PORTAL_") and problem.endswith(".") for problem in told)


def test_secrets_are_not_in_the_representation(tmp_path: Path) -> None:
    read = settings(
        tmp_path,
        PORTAL_DATABASE_URL="postgresql://u:hunter2@h/d",
        PORTAL_SECRET_KEY=SECRET,
        PORTAL_FIELD_KEY=FIELD_KEY,
        PORTAL_DEMO_PASSWORD="hunter2hunter2",
    )
    for secret in ["hunter2", SECRET, repr(read.field_key)]:
        assert secret not in repr(read)


# ------------------------------------------------------------------ at the door


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["-c", "import run"], ["-m", "flask", "--app", "run", "routes"], ["-m", "gunicorn"]]
)
def test_wrong_settings_end_the_start_in_plain_words(tmp_path: Path, command: list[str]) -> None:
    ended = subprocess.run(  # noqa: S603
        [sys.executable, *command],
        cwd=ROOT,
        env={**os.environ, "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_PORT": "none"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    assert ended.stderr == ("The portal cannot start.\n- PORTAL_PORT is not a port from 1 to 65535: none.\n")


def test_flask_is_configured_from_the_settings(tmp_path: Path) -> None:
    read = settings(tmp_path, PORTAL_HTTPS="1", PORTAL_TIME_ZONE="Asia/Shanghai")
    config = flask_config(read)
    assert config["PORTAL_SETTINGS"] is read
    assert config["SQLALCHEMY_DATABASE_URI"] == read.database_url
    assert config["SECRET_KEY"] == read.secret_key
    assert config["BABEL_DEFAULT_TIMEZONE"] == "Asia/Shanghai"
    assert config["SESSION_COOKIE_SECURE"] is True
    assert flask_config(settings(tmp_path))["SESSION_COOKIE_SECURE"] is False
    assert config["PERMANENT_SESSION_LIFETIME"] == timedelta(hours=12)
    assert config["WTF_CSRF_TIME_LIMIT"] == 12 * 3600, "a form lives as long as its session"


def test_what_a_failed_statement_held_is_not_told(tmp_path: Path) -> None:
    for url in ("postgresql://h/d", ""):
        options = flask_config(settings(tmp_path, PORTAL_DATABASE_URL=url))["SQLALCHEMY_ENGINE_OPTIONS"]
        assert options == {"hide_parameters": True}


def test_a_worker_that_boots_makes_nothing(tmp_path: Path) -> None:
    config = flask_config(settings(tmp_path))
    assert config["FAB_UPDATE_PERMS"] is False
    assert config["FAB_CREATE_DB"] is False


def test_the_default_language_is_one_of_the_three(tmp_path: Path) -> None:
    config = flask_config(settings(tmp_path))
    assert config["LANGUAGES"] is LANGUAGES
    assert list(LANGUAGES) == ["zh_Hant_TW", "zh_Hans_CN", "en"]
    assert config["BABEL_DEFAULT_LOCALE"] in LANGUAGES
