"""The kernel's face for a program that serves pages: how it listens, its health, and what ends it."""

from shared.kernel.health import HttpServer, health_routes
from shared.kernel.lifetime import Lifetime

__all__ = ["HttpServer", "Lifetime", "health_routes"]
