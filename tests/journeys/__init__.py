"""Journeys: what the people of the cast do in a browser, from the first click to the row in the database.

A package only so that its ``conftest`` is another module than the one above it.
"""
