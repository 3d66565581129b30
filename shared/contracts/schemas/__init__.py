"""What integrators read instead of this code: JSON Schemas, AsyncAPI documents, examples, and what may change.

`python -m shared.contracts.schemas` writes them to `schemas/`; `--check` tells whether they are stale, or break a
reader or a writer of the last release; `--freeze VERSION` keeps them as that release.
"""
