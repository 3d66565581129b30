"""Decides and carries out all servicing of environments."""
