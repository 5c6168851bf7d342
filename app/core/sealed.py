"""Sealed columns: personal data encrypted in the database, found by exact value or last four digits.

AES-256-GCM with a fresh nonce per value, so that equal values look different. What must be found again keeps a keyed
hash beside it (a blind index): the database alone tells nobody whose number it holds (clause 7.3.3).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import unicodedata
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from flask import current_app
from sqlalchemy import Dialect, String, select
from sqlalchemy import inspect as sa_inspect
from sqlalchemy.orm import InstrumentedAttribute, Mapped, defer, joinedload, mapped_column, selectinload
from sqlalchemy.types import TypeDecorator

from app.core.db import Model, db
from app.core.types import Key

NONCE_BYTES = 12
WORD = "kefu"


def _key() -> bytes:
    """Return the 32-byte key of this installation (setting ``PORTAL_FIELD_KEY``)."""
    key: bytes = current_app.config["PORTAL_SETTINGS"].field_key
    return key


class Sealed(TypeDecorator[str]):
    """A text that only the portal can read."""

    impl = String
    cache_ok = True

    def __init__(self, plain_length: int = 255) -> None:
        self.plain_length = plain_length
        # UTF-8 takes up to 4 bytes a character, base64 adds a third, nonce and tag 28 bytes.
        super().__init__(length=(plain_length * 4 + 28) * 4 // 3 + 8)

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Encrypt."""
        if value is None:
            return None
        nonce = os.urandom(NONCE_BYTES)
        return base64.b64encode(nonce + AESGCM(_key()).encrypt(nonce, value.encode(), None)).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Decrypt; raises cryptography's InvalidTag when the key is not the one it was sealed with."""
        if value is None:
            return None
        raw = base64.b64decode(value)
        return AESGCM(_key()).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None).decode()

    @property
    def python_type(self) -> type[Any]:
        """A sealed value is a str."""
        return str


def sealed_columns(model: type[Any]) -> list[InstrumentedAttribute[Any]]:
    """Return the sealed columns of a model."""
    held = sa_inspect(model).column_attrs
    return [getattr(model, one.key) for one in held if isinstance(one.columns[0].type, Sealed)]


def beside(model: type[Any], path: str) -> Any:
    """Return how a list loads what its rows belong to: one record in the same statement, several in one more.

    Of ``open_tasks.due_at`` nothing but that column is read. Nothing sealed is opened for it: what a record is called
    never holds any.
    """
    head, _dot, rest = path.partition(".")
    relation = getattr(model, head)
    target = relation.property.mapper.class_
    further = [beside(target, rest)] if rest and rest.partition(".")[0] in sa_inspect(target).relationships else []
    loading = selectinload(relation) if relation.property.uselist else joinedload(relation)
    if relation.property.uselist and rest in sa_inspect(target).column_attrs:
        return loading.load_only(getattr(target, rest))
    return loading.options(*(defer(held) for held in sealed_columns(target)), *further)


class SealCheck(Model):
    """One word sealed with the key of this database, to tell another key before it does harm (金鑰核對)."""

    __tablename__ = "seal_check"

    id: Mapped[Key]
    word: Mapped[str] = mapped_column(Sealed(len(WORD)))


class WrongKeyError(RuntimeError):
    """The key this process was given is not the one the database's personal data are sealed with."""


def require_key() -> None:
    """Raise WrongKeyError unless the key is the one the database was prepared with."""
    try:
        db.session.scalar(select(SealCheck.word))
    except InvalidTag as error:
        message = "PORTAL_FIELD_KEY, or the file field_key, is not the key this database was prepared with."
        raise WrongKeyError(message) from error


def keep_check() -> None:
    """Keep the word that tells the key, unless it is kept; does not commit. Raises WrongKeyError."""
    require_key()
    if db.session.scalar(select(SealCheck.id)) is None:
        db.session.add(SealCheck(word=WORD))


def normalise(text: str) -> str:
    """Return a number or address as it is compared: NFKC, upper case, without spaces and dashes."""
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(letter for letter in folded if letter not in " -()‐–—\t")


def blind_index(text: str | None, purpose: str) -> str | None:
    """Return the keyed hash under which a value is found again; ``purpose`` keeps columns apart (64 hex digits)."""
    if not text:
        return None
    return hmac.new(_key(), f"{purpose}:{normalise(text)}".encode(), hashlib.sha256).hexdigest()


def last_four(text: str | None) -> str | None:
    """Return the last four letters or digits of a number, as people ask for them on the phone."""
    kept = [letter for letter in normalise(text or "") if letter.isalnum()]
    return "".join(kept[-4:]) or None
