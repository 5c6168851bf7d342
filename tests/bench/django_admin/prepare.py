"""Makes Django's own tables beside the portal's, and its two people: an agent and a supervisor."""

from __future__ import annotations

import os
import sys

import django

PASSWORD = "demo-password-1"
VERBS = ("view", "add", "change")
MODELS = ("ticket", "note", "customer", "staff", "topic", "channel", "productline", "team")


def main() -> None:
    """Prepare the database of BENCH_DATABASE_URL."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.bench.django_admin.settings"
    django.setup()
    from django.contrib.auth.models import Permission, User  # noqa: PLC0415 - after the set-up
    from django.core.management import call_command  # noqa: PLC0415

    call_command("migrate", verbosity=0)
    codes = [f"{verb}_{model}" for verb in VERBS for model in MODELS]
    for name in ("agent", "supervisor"):
        user = User.objects.create_user(name, password=PASSWORD, is_staff=True)
        user.user_permissions.set(Permission.objects.filter(codename__in=codes, content_type__app_label="desk"))


if __name__ == "__main__":
    sys.exit(main())
