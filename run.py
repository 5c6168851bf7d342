"""The door: ``flask --app run ...`` and gunicorn (``run:app``) enter here."""

from __future__ import annotations

import os

from werkzeug.middleware.proxy_fix import ProxyFix

from app import create_app
from app.core import migrating
from config import settings_or_exit

settings = settings_or_exit()
app = create_app(settings)

if os.environ.get("FLASK_RUN_FROM_CLI") == "true":
    migrating.attach(app)

if settings.https:
    # Behind a proxy the caller's address stands in its headers; without them all people together
    # would count as one for the limit on wrong passwords.
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
