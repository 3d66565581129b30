"""Where environments run: one port, and the runtimes behind it."""
