"""package-validator as a process, on real engines."""
