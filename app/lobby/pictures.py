"""Where the page of a lower room's record shows an upper room's: the lobby, which knows both, hangs it there."""

from __future__ import annotations

from app.casework.views import TicketView
from app.core.views import PortalView
from app.customers.views import CustomerView
from app.roster.views import CoverageRuleView
from app.staff.views import TeamView

PICTURES: tuple[tuple[type[PortalView], type[PortalView]], ...] = (
    (CustomerView, TicketView),
    (TeamView, CoverageRuleView),
)
"""The screen that shows, and the screen that is shown on it."""


def hang() -> None:
    """Hang the pictures; called before the rooms register their screens, and harmless when called again."""
    for lower, upper in PICTURES:
        shown = lower.related_views or []
        if upper not in shown:
            lower.related_views = [*shown, upper]
