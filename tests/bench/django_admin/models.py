"""The portal's tables as Django sees them: unmanaged, with the columns that its pages show."""

from __future__ import annotations

from django.db import models
from django.utils import timezone

KINDS = [("CONSULTATION", "諮詢"), ("COMPLAINT", "申訴"), ("BUSINESS_REQUEST", "業務申請")]
STATUSES = [
    ("LOGGED", "已登記"),
    ("ASSIGNED", "已派案"),
    ("IN_PROGRESS", "處理中"),
    ("WAITING", "等待客戶"),
    ("GUIDED", "已給指引"),
    ("RECEIVED", "已收件"),
    ("REVIEWED", "已初審"),
    ("SUBMITTED", "部門處理中"),
    ("COMPLETED", "已辦妥"),
    ("NOTIFIED", "已通知"),
    ("ANSWERED", "已答覆"),
    ("RESOLVED", "已解決"),
    ("CLOSED", "已結案"),
]


class Recorded(models.Model):
    """What every record has."""

    created_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(auto_now=True)
    version = models.IntegerField(default=1, editable=False)

    class Meta:
        """No table of its own."""

        abstract = True


class Catalog(Recorded):
    """A list of choices."""

    name = models.CharField(max_length=120, db_column="name_zh_hant")

    class Meta:
        """No table of its own."""

        abstract = True

    def __str__(self) -> str:
        return self.name


class Channel(Catalog):
    """How a customer reached us."""

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "channel"


class ProductLine(Catalog):
    """A line of products."""

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "product_line"


class Topic(Catalog):
    """What a ticket is about."""

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "topic"


class Team(Catalog):
    """A team."""

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "team"


class Staff(Recorded):
    """A person who works here."""

    number = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=120)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True)

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "staff_member"
        verbose_name_plural = "staff"

    def __str__(self) -> str:
        return self.name


class Customer(Recorded):
    """A customer."""

    number = models.CharField(max_length=32, unique=True)
    name = models.CharField(max_length=120)

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "customer"

    def __str__(self) -> str:
        return f"{self.number} {self.name}"


class Ticket(Recorded):
    """A matter of a customer."""

    number = models.CharField(max_length=32, unique=True)
    kind = models.CharField(max_length=40, choices=KINDS)
    customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True)
    channel = models.ForeignKey(Channel, models.PROTECT)
    product_line = models.ForeignKey(ProductLine, models.PROTECT, null=True, blank=True)
    topic = models.ForeignKey(Topic, models.PROTECT, null=True, blank=True)
    subject = models.CharField(max_length=255)
    story = models.TextField(null=True, blank=True)  # noqa: DJ001 - the table has it so
    contact_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(default=timezone.now)
    answered_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)
    owner = models.ForeignKey(Staff, models.SET_NULL, null=True, blank=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True, blank=True)
    status = models.CharField(max_length=40, choices=STATUSES, default="LOGGED")
    next_action = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 - the table has it so

    class Meta:
        """The portal's table, newest first."""

        managed = False
        db_table = "ticket"
        ordering = ("-opened_at",)

    def __str__(self) -> str:
        return f"{self.number} {self.subject}"


class Note(Recorded):
    """What was done or said."""

    ticket = models.ForeignKey(Ticket, models.CASCADE)
    text = models.TextField()
    is_told = models.BooleanField(default=False)
    is_internal = models.BooleanField(default=False)
    author = models.ForeignKey(Staff, models.SET_NULL, null=True, blank=True)

    class Meta:
        """The portal's table."""

        managed = False
        db_table = "note"

    def __str__(self) -> str:
        return self.text[:40]
