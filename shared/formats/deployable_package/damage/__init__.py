"""Sound packages, each broken in one way."""
