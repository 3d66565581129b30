"""The vendor's deployable package format: reading, judging, writing and damaging packages.

Pure: no messages, no database, no event loop. The format's rules come from the vendor's documentation, its installer's
skeleton and packages as its tools build them. The rooms, each using those above it alone:

* `evidence`, `rules`, `findings`, `limits`: what rules rest on, what a package is judged by, what comes of it, and how
  much it may ask of the machine;
* `archive`: zip files from foreign hands, byte by byte;
* `read`: what the files of a package say;
* `judge`: whether that is right, up to a verdict;
* `write`: packages made of modules, or of other packages;
* `damage`: sound packages broken in one way each, to try judges with.
"""
