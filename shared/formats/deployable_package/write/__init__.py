"""Packages made of modules, or of other packages."""
