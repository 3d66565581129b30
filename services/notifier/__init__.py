"""notifier: who is told about what happens, and what became of each mail."""
