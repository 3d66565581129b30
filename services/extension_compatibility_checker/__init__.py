"""Checks extensions against the next version of their base application."""
