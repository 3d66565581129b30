"""Zip archives from foreign hands: their directory, their entries, and writing them the same each time."""
