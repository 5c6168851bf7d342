"""The screen of a catalog: a short list with codes and names in three languages that people may extend."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l

from app.core.views import PortalView

CATALOG_COLUMNS = ["code", "name_zh_hant", "name_zh_hans", "name_en", "position", "retired_on"]


class CatalogView(PortalView):
    """A list that people may extend; rows are retired, never deleted while something refers to them."""

    list_columns = ["name", "position", "retired_on", "code"]
    add_columns = CATALOG_COLUMNS
    search_columns = ["retired_on"]
    empty_words = {"retired_on": _l("In use")}
    searched = ["code", "name_zh_hant", "name_zh_hans", "name_en"]
    base_order = ("position", "asc")
    has_files = False
