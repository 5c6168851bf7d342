"""The roster board, and the list of weeks it fills (clause 2.2.1)."""

from __future__ import annotations

from datetime import date
from typing import Any, cast

from flask import abort, flash, redirect, request, url_for
from flask_appbuilder.security.decorators import has_access, permission_name
from flask_appbuilder.views import expose
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from sqlalchemy import and_, select

from app.core import clock
from app.core.db import db
from app.core.fields_rows import target_of
from app.core.forms import PortalForm
from app.core.interface import PortalInterface, parse_key
from app.core.rights import grants
from app.core.scope import Scope, scope_clause, viewer
from app.core.views import Link, PortalView
from app.core.workflow import Step
from app.roster import board as boards
from app.roster.board import WEEK, Board
from app.roster.models import CoverageRule, RosterWeek, WeekStatus, monday_of
from app.roster.operations import begin_week, week_of
from app.roster.workflow import ROSTER_WEEK
from app.staff.models import Team

FIRST_YEAR, LAST_YEAR = 2000, 2100
TEAM_SCOPES = {Scope.TEAM: ("id",), Scope.DEPARTMENT: ("department_id",)}


class RosterWeekView(PortalView):
    """Each team's weeks; the menu opens the board."""

    datamodel = PortalInterface(RosterWeek)
    workflow = ROSTER_WEEK
    title, noun = _l("Roster"), _l("Week of a roster")
    default_view = "board"
    route_base = "/roster"
    list_columns = ["monday", "team", "status", "published_at", "notice_days"]
    search_columns = ["team", "status", "monday"]
    searched = ["team.code", "team.name_zh_hant", "team.name_zh_hans", "team.name_en"]
    scopes = {Scope.TEAM: ("team_id",), Scope.DEPARTMENT: ("team.department_id",)}
    base_order = ("monday", "desc")
    exclude_route_methods = PortalView.exclude_route_methods | {"add", "edit", "delete"}
    has_files = False
    verb_labels = {"board": _l("Open the board"), "fill": _l("Fill in the board")}
    label_columns = {
        "team": _l("Team"),
        "monday": _l("Week from"),
        "published_at": _l("First published at"),
        "notice_days": _l("Days of notice"),
    }
    empty_hint = _l("A week appears here when its first shift is saved on the board.")

    def page_links(self) -> list[Link]:
        """Lead back to the board."""
        return [Link(_("Roster board"), url_for("RosterWeekView.board"))] if self.may("board") else []

    def record_links(self, item: RosterWeek) -> list[Link]:
        """Open the week on the board."""
        return [Link(_("Open on the board"), self.board_url(item.team_id, item.monday))] if self.may("board") else []

    def board_url(self, team_id: int, monday: date, **more: Any) -> str:
        """Return the address of a team's week."""
        return url_for("RosterWeekView.board", team=team_id, week=monday.isoformat(), **more)

    def after_refusal(self, item: RosterWeek, step: Step) -> str:
        """Lead to the board, which lists what speaks against a week and asks whether to publish it all the same."""
        return self.board_url(item.team_id, item.monday, ask="1") if self.may("board") else self.show_url(item)

    @expose("/board", methods=["GET"])
    @has_access
    @permission_name("board")
    def board(self) -> Any:
        """Show a team's week."""
        teams = self._teams(self._monday())
        if not teams:
            return self.render_template("roster/no_team.html", title=self.title)
        team, week = self._chosen(teams)
        made = boards.read_board(team, self._monday(), week)
        return self._page(made, [one for one, _week in teams], asks="ask" in request.args)

    @expose("/board", methods=["POST"])
    @has_access
    @permission_name("fill")
    def fill(self) -> Any:
        """Save, copy, publish or reopen a team's week; nothing typed is lost, whatever is wrong with it.

        ``do=check`` and ``do=copy`` write nothing: they answer with the board as it would be.
        """
        doing = request.form.get("do", "save")
        verb = doing if doing in ROSTER_WEEK.steps else "fill"
        self.require(verb)
        monday = self._monday()
        teams = self._teams(monday, verb)
        team, week = self._chosen(teams) if teams else abort(404)
        if doing == "reopen":
            return self._reopen(team.id, monday, week)
        made = self._read(team, monday, week)
        if made.status is WeekStatus.PUBLISHED:
            made.problems.append(_("This week is published. Reopen it to change it."))
        elif doing in {"copy", "check"}:
            if doing == "copy":
                self._copy(made)
            return self._page(made, [one for one, _week in teams])
        made.check()
        if doing == "publish" and "anyway" not in request.form and not self._told(made) and made.doubts():
            return self._page(made, [one for one, _week in teams], asks=True), 422
        unsaved = made if self._told(made) else self._save(made, publish=doing == "publish")
        if unsaved is None:
            return redirect(self.board_url(team.id, monday))
        return self._page(unsaved, [one for one, _week in teams]), 422

    def _copy(self, made: Board) -> None:
        filled = made.copy(boards.shifts_of_week_before(made))
        if filled:
            flash(_("Copied from the week before: %(count)s shifts. Look them over, then save.", count=filled), "info")
        else:
            flash(_("The week before holds nothing that could be copied into empty cells."), "warning")

    def _read(self, team: Team, monday: date, week: RosterWeek | None) -> Board:
        made = boards.read_board(team, monday, week)
        made.read(request.form)
        return made

    def _told(self, made: Board) -> list[str]:
        return [*made.problems, *(cell.problem for cell in made.cells() if cell.problem is not None)]

    def _save(self, made: Board, *, publish: bool) -> Board | None:
        """Write the changed cells, and publish if asked; return None, or the board that could not be saved."""
        form = PortalForm()
        team_id, monday = made.team.id, made.monday
        written = 0

        def change() -> None:
            nonlocal written
            written = boards.save(made)
            if publish:
                week = begin_week(team_id, monday)
                week.is_waived = "anyway" in request.form
                self.take(week, self.step_or_404("publish"), form)

        if self.attempt(form, change):
            flash(ngettext("%(num)s cell was saved.", "%(num)s cells were saved.", written), "success")
            if publish:
                flash(_("The week is published: the team sees it now."), "success")
            return None
        # What was read before the rollback is stale: read the week anew and lay the form over it again.
        again = self._read(db.session.get_one(Team, team_id), monday, week_of(team_id, monday))
        again.check()
        again.problems += [str(error) for error in form.form_errors]
        return again

    def _reopen(self, team_id: int, monday: date, week: RosterWeek | None) -> Any:
        form = PortalForm()
        if week is None or self.attempt(form, lambda: self.take(week, self.step_or_404("reopen"), form)):
            flash(_("The week is open again. The team sees every change you save."), "success")
        for error in form.form_errors:
            flash(str(error), "danger")
        return redirect(self.board_url(team_id, monday))

    def _page(self, made: Board, teams: list[Team], *, asks: bool = False) -> str:
        is_open = made.status is WeekStatus.DRAFT and self._reaches("fill", made.team)
        rests = made.short_rests()
        cover = made.cover()
        page: str = self.render_template(
            "roster/board.html",
            view=self,
            board=made,
            teams=teams,
            rests=rests,
            cover=cover,
            gaps=sum(one.missing for one in cover),
            is_open=is_open,
            doubts=made.doubts() if asks and is_open and self.may("publish") else [],
            told=self._told(made),
            rules=self._rules_url(made.team),
            weeks=(made.monday - WEEK, monday_of(clock.today()), made.monday + WEEK),
            title=_("Roster · %(team)s", team=str(made.team)),
        )
        return page

    @staticmethod
    def _rules_url(team: Team) -> str | None:
        """Return the page of a team, where its coverage rules are, or None for whoever may not see them."""
        rules, above = (cast("PortalView", target_of(model)) for model in (CoverageRule, Team))
        return above.show_url(team) if rules.may("list") and above.may("show") else None

    def _reaches(self, verb: str, team: Team) -> bool:
        """Tell whether this person may do this with a team's week; the same as ``_teams``, without a statement."""
        scope = grants().scope(verb, self.class_permission_name)
        who = viewer()
        return (
            scope is Scope.ALL
            or (scope >= Scope.TEAM and team.id in who.team_ids)
            or (scope is Scope.DEPARTMENT and team.department_id == who.department_id)
        )

    def _monday(self) -> date:
        """Return the Monday of the week the address asks for; this week's where it cannot be read."""
        try:
            day = date.fromisoformat(request.args.get("week", ""))
        except ValueError:
            day = clock.today()
        return monday_of(day if FIRST_YEAR <= day.year <= LAST_YEAR else clock.today())

    def _teams(self, monday: date, verb: str = "board") -> list[tuple[Team, RosterWeek | None]]:
        """Return the teams whose board this person may open, each with its week, with one statement."""
        rows = db.session.execute(
            select(Team, RosterWeek)
            .outerjoin(RosterWeek, and_(RosterWeek.team_id == Team.id, RosterWeek.monday == monday))
            .where(scope_clause(Team, grants().scope(verb, self.class_permission_name), TEAM_SCOPES))
            .order_by(Team.position, Team.id)
        )
        return [(team, week) for team, week in rows if not team.is_retired(monday)]

    def _chosen(self, teams: list[tuple[Team, RosterWeek | None]]) -> tuple[Team, RosterWeek | None]:
        """Return the team the address asks for; without one, the one this person leads or belongs to."""
        if "team" in request.args:
            wanted = parse_key(request.args["team"])
            return next((pair for pair in teams if pair[0].id == wanted), None) or abort(404)
        return next((pair for pair in teams if pair[0].id in viewer().team_ids), teams[0])
