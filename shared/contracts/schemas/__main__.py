"""`python -m shared.contracts.schemas [--check | --freeze VERSION] [--folder DIR]`."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from shared.contracts.registry import CATALOGUE, LIFECYCLES
from shared.contracts.schemas.compatibility import changes
from shared.contracts.schemas.json_schema import schema_of
from shared.contracts.schemas.tree import files_of, freeze, last_release, stale, write


def main(arguments: Sequence[str] | None = None) -> int:
    """0; or 1 if a check found something, which is printed."""
    parser = argparse.ArgumentParser(prog="python -m shared.contracts.schemas", description="Write the schemas.")
    parser.add_argument(
        "--folder", type=Path, default=Path("schemas"), help="where they are kept (default: %(default)s)"
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--check", action="store_true", help="write nothing; tell what is stale or breaks the last release"
    )
    what.add_argument("--freeze", metavar="VERSION", help="keep the current schemas as those of this release")
    asked = parser.parse_args(arguments)
    if asked.check:
        return _check(asked.folder)
    write(asked.folder, files_of(CATALOGUE, LIFECYCLES))
    if asked.freeze:
        freeze(asked.folder, CATALOGUE, asked.freeze)
    return 0


def _check(folder: Path) -> int:
    outdated = stale(folder, files_of(CATALOGUE, LIFECYCLES))
    for line in outdated:
        print(f"stale: {line}")
    if outdated:
        print("Run `make schemas` and commit what it writes.")
    return 1 if _compare(folder) or outdated else 0


def _compare(folder: Path) -> bool:
    """Print what has changed since the last release; True if something may not."""
    release = last_release(folder)
    if release is None:
        print("Nothing is released yet: there are no schemas to stay compatible with.", file=sys.stderr)
        return False
    version, released = release
    found = changes(released, {name: schema_of(message) for name, message in CATALOGUE.messages.items()})
    for change in found:
        print(f"{'breaks' if change.breaking else 'since'} {version}: {change}")
    return any(change.breaking for change in found)


if __name__ == "__main__":
    sys.exit(main())
