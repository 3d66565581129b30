"""Combines packages into immutable images."""
