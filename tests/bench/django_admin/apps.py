"""The one application of the project."""

from __future__ import annotations

from django.apps import AppConfig


class DeskConfig(AppConfig):
    """The service desk."""

    name = "tests.bench.django_admin"
    label = "desk"
