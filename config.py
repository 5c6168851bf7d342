"""Settings: read from the environment once, checked at the door, one sentence for each problem.

Nothing else in the portal reads an environment variable. Values that are secrets (keys, passwords,
the database address) never appear in a message or in the representation of a ``Settings``.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

ROOT = Path(__file__).resolve().parent
LANGUAGES = {
    "zh_Hant_TW": {"flag": "tw", "name": "繁體中文"},
    "zh_Hans_CN": {"flag": "cn", "name": "简体中文"},
    "en": {"flag": "gb", "name": "English"},
}
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
SECRET_KEY_BYTES = 32
FIELD_KEY_BYTES = 32
DEMO_PASSWORD_LENGTH = 10
LAST_PORT = 65_535
SESSION_LIFETIME = timedelta(hours=12)
UPLOAD_BYTES = 25 * 1024 * 1024


class SettingsError(ValueError):
    """Settings that cannot be used: ``problems`` holds one sentence for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True)
class Settings:
    """What the portal was told by its environment. README.md has the table of the variables."""

    database_url: str = field(repr=False)
    """SQLAlchemy address: a SQLite file by absolute path, or PostgreSQL by psycopg."""
    data_dir: Path
    """Absolute folder of what the portal keeps itself: keys, attachments, the SQLite file."""
    secret_key: str = field(repr=False)
    """Signs sessions and CSRF tokens."""
    field_key: bytes = field(repr=False)
    """32 bytes; encrypts personal data in single columns. Lost with it: those columns."""
    port: int = 8080
    demo_password: str | None = field(default=None, repr=False)
    """Password of the demo logins; None lets ``portal demo`` make one and print it."""
    https: bool = False
    """People come by HTTPS through one proxy: cookies are Secure, the proxy's headers believed."""
    time_zone: str = "Asia/Taipei"
    log_level: str = "INFO"

    @classmethod
    def from_env(cls, env: Mapping[str, str]) -> Settings:
        """Read the settings; a variable that is blank counts as absent.

        Makes the data folder, and in it the keys that the environment does not give.

        Raises:
            SettingsError: one sentence for each setting that cannot be used.
        """
        reader = _Reader(env)
        settings = cls(
            data_dir=reader.data_dir,
            database_url=reader.database_url(),
            secret_key=reader.secret_key(),
            field_key=reader.field_key(),
            port=reader.port(),
            demo_password=reader.demo_password(),
            https=reader.https(),
            time_zone=reader.time_zone(),
            log_level=reader.log_level(),
        )
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings

    @property
    def is_postgresql(self) -> bool:
        """Tell whether the database is PostgreSQL; otherwise it is SQLite."""
        return self.database_url.startswith("postgresql")


class _Reader:
    """Reads one setting per method; notes a problem and goes on, so that all are told at once."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.problems: list[str] = []
        self.data_dir = Path(self.get("PORTAL_DATA_DIR", str(ROOT / "var"))).absolute()
        self.data_dir_works = self._prepare_data_dir()

    def get(self, name: str, default: str = "") -> str:
        return self.env.get(name, "").strip() or default

    def database_url(self) -> str:
        text = self.get("PORTAL_DATABASE_URL")
        if not text:
            return f"sqlite:///{self.data_dir / 'portal.db'}"
        try:
            url = _normal(make_url(text))
        except (ArgumentError, ValueError):
            self.problems.append(
                "PORTAL_DATABASE_URL is not a database address such as postgresql://user:password@host/name."
            )
            return ""
        if problem := _database_problem(url):
            self.problems.append(f"PORTAL_DATABASE_URL {problem}.")
        return url.render_as_string(hide_password=False)

    def secret_key(self) -> str:
        key = self._given_or_kept("PORTAL_SECRET_KEY", "secret_key", secrets.token_urlsafe)
        if key and len(os.fsencode(key)) < SECRET_KEY_BYTES:
            self.problems.append(
                f"PORTAL_SECRET_KEY, or the file that keeps it, is shorter than {SECRET_KEY_BYTES} bytes."
            )
        return key

    def field_key(self) -> bytes:
        key = self._given_or_kept("PORTAL_FIELD_KEY", "field_key", _new_field_key)
        try:
            decoded = base64.b64decode(key.translate(_URL_SAFE_TO_PLAIN), validate=True)
        except ValueError:
            decoded = b""
        if key and len(decoded) != FIELD_KEY_BYTES:
            self.problems.append(
                f"PORTAL_FIELD_KEY, or the file that keeps it, is not {FIELD_KEY_BYTES} bytes in base64."
            )
        return decoded

    def port(self) -> int:
        text = self.get("PORTAL_PORT", str(Settings.port))
        if re.fullmatch("[0-9]{1,5}", text) and 1 <= int(text) <= LAST_PORT:
            return int(text)
        self.problems.append(f"PORTAL_PORT is not a port from 1 to {LAST_PORT}: {text}.")
        return Settings.port

    def demo_password(self) -> str | None:
        text = self.get("PORTAL_DEMO_PASSWORD")
        if text and len(text) < DEMO_PASSWORD_LENGTH:
            self.problems.append(f"PORTAL_DEMO_PASSWORD is shorter than {DEMO_PASSWORD_LENGTH} characters.")
        return text or None

    def https(self) -> bool:
        text = self.get("PORTAL_HTTPS", "0")
        if text not in {"0", "1"}:
            self.problems.append(f"PORTAL_HTTPS is neither 0 nor 1: {text}.")
        return text == "1"

    def time_zone(self) -> str:
        text = self.get("PORTAL_TIME_ZONE", Settings.time_zone)
        try:
            ZoneInfo(text)
        except (KeyError, ValueError, OSError):  # unknown name, a path, a folder of zones
            self.problems.append(f"PORTAL_TIME_ZONE is not a time zone such as Asia/Taipei: {text}.")
        return text

    def log_level(self) -> str:
        text = self.get("PORTAL_LOG_LEVEL", Settings.log_level).upper()
        if text not in LOG_LEVELS:
            self.problems.append(f"PORTAL_LOG_LEVEL is none of {', '.join(LOG_LEVELS)}: {text}.")
        return text

    def _prepare_data_dir(self) -> bool:
        try:
            self.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.data_dir):
                return True
        except OSError as error:
            self.problems.append(f"PORTAL_DATA_DIR: cannot write in the folder {self.data_dir} ({error.strerror}).")
            return False

    def _given_or_kept(self, name: str, file_name: str, make: Callable[[], str]) -> str:
        """Return the key that was given, else the one kept in the data folder, made on first use.

        An empty answer means a problem that has been noted.
        """
        if given := self.get(name):
            return given
        if not self.data_dir_works:
            return ""
        path = self.data_dir / file_name
        try:
            if not path.exists():
                _write_once(path, make())
            kept = path.read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            self.problems.append(f"{name} is not set, and the file {path} cannot be read or made.")
            return ""
        if not kept:
            self.problems.append(f"{name} is not set, and the file {path} is empty.")
        return kept


def _write_once(path: Path, text: str) -> None:
    """Make a file that only its owner reads, unless another process was faster.

    Workers that start together agree on one text: each writes its own aside and tries to give it
    the name, which only the first can do. Whoever reads the name finds a whole file.
    """
    handle, name = tempfile.mkstemp(dir=path.parent)
    aside = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(handle)
        with suppress(FileExistsError):
            path.hardlink_to(aside)
    finally:
        aside.unlink()


_URL_SAFE_TO_PLAIN = str.maketrans("-_", "+/")


def _new_field_key() -> str:
    return base64.b64encode(secrets.token_bytes(FIELD_KEY_BYTES)).decode()


def _normal(url: URL) -> URL:
    """Give PostgreSQL its driver, and a SQLite file the absolute path that Flask would change."""
    if url.drivername in {"postgres", "postgresql"}:
        return url.set(drivername="postgresql+psycopg")
    if url.drivername == "sqlite" and url.database and not url.database.startswith((":", "file:")):
        return url.set(database=str(Path(url.database).absolute()))
    return url


def _database_problem(url: URL) -> str:
    """Say what is wrong with a database address, without showing it: it may hold a password."""
    if url.drivername == "postgresql+psycopg":
        return "" if url.database else "names no database"
    if url.drivername != "sqlite":
        return "is neither sqlite: nor postgresql:, the two databases the portal knows"
    if not url.database or not url.database.startswith("/"):
        return "names no file: the threads of the portal share one SQLite file"
    if not Path(url.database).parent.is_dir():
        return f"names a file in a folder that does not exist: {Path(url.database).parent}"
    return ""


def settings_or_exit() -> Settings:
    """Read the settings of this process, or end it with the problems and no traceback."""
    try:
        return Settings.from_env(os.environ)
    except SettingsError as error:
        sys.exit("The portal cannot start.\n" + "\n".join(f"- {problem}" for problem in error.problems))


def flask_config(settings: Settings) -> dict[str, object]:
    """Return the keys that Flask, Flask-AppBuilder and the extensions read."""
    return {
        "PORTAL_SETTINGS": settings,
        "SECRET_KEY": settings.secret_key,
        "APP_NAME": "Kefu Portal",
        # Database. `portal init` makes tables and permissions; a worker that boots only reads.
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        # The values of a failed statement are people's data, and a traceback is logged.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True},
        "FAB_UPDATE_PERMS": False,
        "FAB_CREATE_DB": False,
        # Screens and APIs of Flask-AppBuilder that show its inner workings or pass by our checks.
        "FAB_ADD_SECURITY_API": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEW": False,
        "FAB_ADD_SECURITY_VIEW_MENU_VIEW": False,
        "FAB_ADD_SECURITY_PERMISSION_VIEWS_VIEW": False,
        # REST API. Its description has whole paths: the server is where it was fetched from.
        "FAB_ADD_OPENAPI_VIEWS": True,
        "FAB_API_SWAGGER_UI": False,
        "FAB_ADD_MENU_API": False,
        "FAB_OPENAPI_SERVERS": [{"url": "/"}],
        "FAB_API_MAX_PAGE_SIZE": 100,
        "FAB_API_KEY_ENABLED": True,
        "FAB_API_KEY_PREFIXES": ["kefu_"],
        # Sessions, forms, uploads.
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": settings.https,
        "PERMANENT_SESSION_LIFETIME": SESSION_LIFETIME,
        "WTF_CSRF_TIME_LIMIT": int(SESSION_LIFETIME.total_seconds()),
        "WTF_CSRF_CHECK_DEFAULT": False,  # core.security asks, of the REST API too
        "MAX_CONTENT_LENGTH": UPLOAD_BYTES,
        # Wrong passwords. The first switch turns the others on; each worker counts alone.
        "RATELIMIT_ENABLED": True,
        "RATELIMIT_STORAGE_URI": "memory://",
        "AUTH_RATE_LIMITED": True,
        "AUTH_RATE_LIMIT": "30 per minute",
        # Languages. Flask-Babel would seek a relative folder inside app/.
        "LANGUAGES": LANGUAGES,
        "BABEL_DEFAULT_LOCALE": "zh_Hant_TW",
        "BABEL_DEFAULT_TIMEZONE": settings.time_zone,
        "BABEL_TRANSLATION_DIRECTORIES": str(ROOT / "translations"),
    }
