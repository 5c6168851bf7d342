"""Journeys: what the people of the cast do in a browser, from the first click to the row in the database.

A package only so that its ``conftest`` is another module than the one above it.
"""

import pytest

# What these assert is told as fully as what a test asserts.
pytest.register_assert_rewrite("journeys.manual", "journeys.chapters")
