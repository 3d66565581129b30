"""The web application: the HTTP API and the dashboard."""

API = "/api/v1"
"""Where every path of the API begins."""
