"""The local runtime on a real PostgreSQL with the reference application's real processes."""
