"""Attachments: photos and documents kept with a record, whatever their name, judged by what is in them."""

from __future__ import annotations

import hashlib
import io
import os
import tempfile
import unicodedata
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import filetype
from flask import Response, current_app, send_file
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy import ForeignKey, Index, Integer, String, select
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import FileStorage

from app.core import actor, audit, clock
from app.core.db import Model, db
from app.core.entity import Recorded
from app.core.errors import RuleError
from app.core.types import Key, Moment

LARGEST_BYTES = 15 * 2**20
PLEDGED_FOR = timedelta(hours=12)
PICTURES = {"image/jpeg", "image/png", "image/webp", "image/gif"}
ALLOWED = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
    "gif": "image/gif",
    "heic": "image/heic",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "txt": "text/plain",
    "csv": "text/csv",
}
PDF = ALLOWED["pdf"]
TEXT_KINDS = {"text/plain", "text/csv"}
ZIP_KINDS = {ALLOWED["docx"], ALLOWED["xlsx"]}


class Attachment(Model):
    """One file kept with one record (附件)."""

    __tablename__ = "attachment"
    __table_args__ = (Index("ix_attachment_record", "entity", "record_id"),)

    id: Mapped[Key]
    entity: Mapped[str] = mapped_column(String(64))
    record_id: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(120))
    size_bytes: Mapped[int] = mapped_column(Integer)
    digest: Mapped[str] = mapped_column(String(64))
    added_at: Mapped[Moment]
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))

    @property
    def is_picture(self) -> bool:
        """Whether a browser may show it in the page."""
        return self.kind in PICTURES

    @property
    def has_preview(self) -> bool:
        """Whether a browser may show it in a frame of the page."""
        return self.is_picture or self.kind == PDF or self.kind in TEXT_KINDS


def clean_name(name: str) -> str:
    """Return a file's own name in its script, without path and control characters, at most 200 long."""
    name = unicodedata.normalize("NFC", name.replace("\\", "/")).rsplit("/", 1)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C" and c not in '<>:"|?*').strip(". ")
    stem, dot, ending = name.rpartition(".")
    return f"{(stem or ending)[:190]}{dot if stem else ''}{ending[:9] if stem else ''}" or _("File")


def checked_kind(name: str, content: bytes) -> str:
    """Return the media type of an allowed file; raises RuleError for a wrong kind, size or disguise."""
    ending = name.rpartition(".")[2].lower()
    kind = ALLOWED.get(ending)
    if kind is None:
        raise RuleError(
            _(
                "%(name)s: files of this kind are not accepted. Accepted are %(kinds)s.",
                name=name,
                kinds=", ".join(sorted(ALLOWED)),
            )
        )
    if not content:
        raise RuleError(_("%(name)s is empty.", name=name))
    if len(content) > LARGEST_BYTES:
        raise RuleError(_("%(name)s is larger than %(limit)s MB.", name=name, limit=LARGEST_BYTES // 2**20))
    if not _is_what_it_says(kind, content):
        raise RuleError(_("%(name)s is not what its name says. Please save it again and try once more.", name=name))
    return kind


def _is_what_it_says(kind: str, content: bytes) -> bool:
    guessed = filetype.guess_mime(content)
    if kind in TEXT_KINDS:
        return guessed is None and b"\x00" not in content[:4096] and content.lstrip()[:1] != b"<"
    if kind in ZIP_KINDS:
        return content.startswith(b"PK\x03\x04") and b"[Content_Types].xml" in content
    if kind in PICTURES:
        from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - heavy, and few workers ever need it

        try:
            Image.open(io.BytesIO(content)).verify()
        except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError):
            return False
    return bool(guessed == kind)


def _path(digest: str) -> Path:
    folder: Path = current_app.config["PORTAL_SETTINGS"].data_dir
    return folder / "files" / digest[:2] / digest


@dataclass(frozen=True)
class Upload:
    """A file that was judged and stored, and belongs to no record yet."""

    name: str
    kind: str
    size_bytes: int
    digest: str

    def pledge(self) -> str:
        """Return a signed text by which the same person gets the file back with the next try of a form."""
        return _signer().dumps([actor.user_id(), self.name, self.kind, self.size_bytes, self.digest])


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.secret_key or "", salt="kept-file")


def redeemed(pledge: str) -> Upload | None:
    """Return the stored file of a pledge, or None for one that is forged, too old, or somebody else's."""
    try:
        user_id, *facts = _signer().loads(pledge, max_age=int(PLEDGED_FOR.total_seconds()))
    except BadSignature:
        return None
    return Upload(*facts) if user_id == actor.user_id() else None


def take_in(uploads: Iterable[FileStorage]) -> list[Upload]:
    """Judge and store uploaded files; raises RuleError and stores none if one is refused.

    Contents are stored under their digest: one that no record takes is at worst an unused copy.
    """
    judged = []
    for upload in uploads:
        name = clean_name(upload.filename or "")
        content = upload.stream.read(LARGEST_BYTES + 1)
        judged.append((name, content, checked_kind(name, content)))
    stored = []
    for name, content, kind in judged:
        digest = hashlib.sha256(content).hexdigest()
        _store(_path(digest), content)
        stored.append(Upload(name, kind, len(content), digest))
    return stored


def attach(item: Recorded, uploads: Iterable[Upload]) -> None:
    """Keep stored files with a saved record.

    The trail tells how many: their names may be people's.
    """
    uploads = list(uploads)
    if uploads:
        audit.note(item.__tablename__, item.id, {}, {"attachments": len(uploads)})
    db.session.add_all(
        Attachment(
            entity=item.__tablename__,
            record_id=item.id,
            added_at=clock.now(),
            added_by_id=actor.user_id(),
            **asdict(upload),
        )
        for upload in uploads
    )


def _store(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: a crash leaves no half picture under a good name."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(temporary).replace(path)


def attachments_of(item: Recorded) -> list[Attachment]:
    """Return a record's files, oldest first."""
    return list(
        db.session.scalars(
            select(Attachment)
            .where(Attachment.entity == item.__tablename__, Attachment.record_id == item.id)
            .order_by(Attachment.id)
        )
    )


def find_attachment(item: Recorded, key: int) -> Attachment | None:
    """Return one file of this record, or None if it belongs to another."""
    return db.session.scalar(
        select(Attachment).where(
            Attachment.id == key,
            Attachment.entity == item.__tablename__,
            Attachment.record_id == item.id,
        )
    )


def send(attachment: Attachment, *, inline: bool) -> Response:
    """Return the file under its own name; pictures, PDFs and plain texts are shown in the page, all else is downloaded.

    A frame of our own pages may hold it, nothing else. What it holds runs no script: a PDF is drawn by the browser's
    own viewer, which a sandbox would keep from it.
    """
    is_shown = inline and attachment.has_preview
    answer: Any = send_file(
        _path(attachment.digest),
        mimetype="text/plain" if is_shown and attachment.kind in TEXT_KINDS else attachment.kind,
        download_name=attachment.name,
        as_attachment=not is_shown,
    )
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["X-Frame-Options"] = "SAMEORIGIN"
    rest = "script-src 'none'" if is_shown and attachment.kind == PDF else "sandbox"
    answer.headers["Content-Security-Policy"] = f"{rest}; frame-ancestors 'self'"
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer  # type: ignore[no-any-return]
