"""A law: no list reads a large table through, whatever it is sorted, filtered or searched by, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from conftest import Databases, SignIn
from flask import Flask
from sqlalchemy import Engine, event, inspect, select, text
from test_laws import screens

from app.core.db import db
from app.core.interface import Equals, RefersTo, is_choice
from app.core.views import PortalView

pytestmark = pytest.mark.slow
TICKETS = 100_000
LARGE = 20_000
"""Rows from which on a table may not be read through."""
