"""Labels of columns that many entities have; a screen's own ``label_columns`` go before them."""

from __future__ import annotations

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

COMMON_LABELS: dict[str, LazyString] = {
    "number": _l("Number"),
    "name": _l("Name"),
    "code": _l("Code"),
    "status": _l("Status"),
    "name_zh_hant": _l("Name (Traditional Chinese)"),
    "name_zh_hans": _l("Name (Simplified Chinese)"),
    "name_en": _l("Name (English)"),
    "position": _l("Order"),
    "retired_on": _l("Retired on"),
    "created_at": _l("Created at"),
    "changed_at": _l("Changed at"),
    "created_by_id": _l("Created by"),
    "changed_by_id": _l("Changed by"),
    "attachments": _l("Photos and files"),
    "note": _l("Note"),
    "late": _l("Overdue"),
}
