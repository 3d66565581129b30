"""The vendor's deployable package format: reading, checking and writing.

Pure: no messages, no database, no event loop. The format's rules come from the
vendor's documentation, its installer's skeleton and packages as its tools build them.
"""
