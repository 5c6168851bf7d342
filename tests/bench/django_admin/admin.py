"""The screens: what a sensible beginner declares, and with BENCH_TUNED=1 what an expert adds by Django's settings."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from .models import Channel, Customer, Note, ProductLine, Staff, Team, Ticket, Topic

IS_TUNED = os.environ.get("BENCH_TUNED") == "1"
ME, TEAM = (int(word) for word in os.environ.get("BENCH_AGENT", "0:0").split(":"))
HEADER = ("number", "kind", "subject", "customer", "status", "owner", "opened_at")
POINTERS = ("customer", "channel", "product_line", "topic", "owner", "team")


class Echo:
    """A file that gives back what is written."""

    def write(self, text: str) -> str:
        return text


class NoteInline(admin.TabularInline):
    """The notes of a ticket."""

    model = Note
    if IS_TUNED:
        raw_id_fields = ("author",)

        def get_queryset(self, request: HttpRequest) -> QuerySet[Note]:
            return super().get_queryset(request).select_related("author")


@admin.register(Ticket)
class TicketAdmin(admin.ModelAdmin):
    """All tickets."""

    list_display = HEADER
    list_filter = ("kind", "status", "owner", "topic", "channel", "opened_at")
    search_fields = ("number", "subject", "customer__number")
    date_hierarchy = None
    list_per_page = 25
    inlines = (NoteInline,)
    actions = ("as_csv",)
    if IS_TUNED:
        list_filter = ("kind", "status", "topic", "channel", "opened_at")
        list_select_related = ("customer", "owner")
        show_full_result_count = False
        raw_id_fields = ("customer", "topic", "owner")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Ticket]:
        """Show an agent what the portal shows: the own tickets and the team's."""
        tickets = super().get_queryset(request)
        return tickets.filter(Q(owner=ME) | Q(team=TEAM)) if request.user.username == "agent" else tickets

    @admin.action(description="CSV", permissions=["view"])
    def as_csv(self, _request: HttpRequest, tickets: QuerySet[Ticket]) -> StreamingHttpResponse:
        """Send the chosen tickets, as Django's own guide streams large files."""
        writer = csv.writer(Echo())
        chosen = tickets.select_related(*POINTERS) if IS_TUNED else tickets.select_related("customer", "owner")

        def lines() -> Iterator[Any]:
            yield writer.writerow(HEADER)
            for one in chosen.iterator(chunk_size=2000):
                yield writer.writerow([getattr(one, name) for name in HEADER])

        return StreamingHttpResponse(lines(), content_type="text/csv")


@admin.register(Customer)
class CustomerAdmin(admin.ModelAdmin):
    """All customers."""

    list_display = ("number", "name")
    search_fields = ("number", "name")


@admin.register(Staff)
class StaffAdmin(admin.ModelAdmin):
    """Everybody who works here."""

    list_display = ("number", "name", "team")
    search_fields = ("number", "name")


admin.site.register([Channel, ProductLine, Topic, Team])
