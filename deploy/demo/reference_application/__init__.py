"""A small ERP application: three services that do something real, each a process of its own.

AOS serves HTTP, DIXF imports files into the database, MR writes reports from it. They run from a release
folder, know their environment through a settings file, and say by a ready file when they serve.
"""
