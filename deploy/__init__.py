"""How Drydock is run: embedded engines, demo, containers."""
