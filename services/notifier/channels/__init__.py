"""The ways in which a recipient is told."""
