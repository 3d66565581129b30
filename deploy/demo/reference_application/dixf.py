"""DIXF: imports CSV files into the database.

A file `<table>.csv` or `<table>.<anything>.csv` that is moved into the inbox is loaded into that table, whose
columns its first line names; then it stands in `imported`, or in `rejected` with the reason beside it. A file
is one transaction, and equal bytes are imported once. Files must appear whole: write elsewhere, then rename.
"""

import hashlib
from pathlib import Path

import psycopg
from psycopg import sql

from deploy.demo.reference_application.settings import ApplicationSettings, stop_on_signal
from deploy.demo.reference_application.tables import IMPORTS, have_tables

_INTERVAL = 0.1


def import_file(database: str, path: Path) -> int | None:
    """Load one file; returns the number of rows, None where its bytes were imported before."""
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    header = content.split(b"\n", 1)[0].decode().strip()
    columns = sql.SQL(", ").join(sql.Identifier(name.strip()) for name in header.split(","))
    statement = sql.SQL("copy {} ({}) from stdin with (format csv, header true)").format(
        sql.Identifier(path.name.split(".", 1)[0]), columns
    )
    with psycopg.connect(database) as connection:
        new = connection.execute(
            "insert into import_history (digest, file_name, row_count) values (%s, %s, 0) on conflict do nothing",
            (digest, path.name),
        ).rowcount
        if not new:
            return None
        with connection.cursor() as cursor:
            with cursor.copy(statement) as copy:
                copy.write(content)
            connection.execute("update import_history set row_count = %s where digest = %s", (cursor.rowcount, digest))
            return cursor.rowcount


def import_all(settings: ApplicationSettings) -> None:
    """Import what is in the inbox now, oldest name first."""
    for path in sorted((settings.data / "inbox").glob("*.csv")):
        try:
            rows = import_file(settings.database, path)
        except psycopg.OperationalError as error:
            print(f"{path.name} waits: the database does not answer ({error})", flush=True)
            return
        except (psycopg.Error, UnicodeDecodeError) as error:
            _file_away(path, "rejected")
            path.parent.with_name("rejected").joinpath(f"{path.name}.reason.txt").write_text(str(error))
            print(f"{path.name} is rejected: {error}", flush=True)
        else:
            _file_away(path, "imported")
            print(f"{path.name}: {'imported before' if rows is None else f'{rows} rows imported'}", flush=True)


def _file_away(path: Path, folder: str) -> None:
    target = path.parent.with_name(folder)
    target.mkdir(exist_ok=True)
    path.replace(target / path.name)


def main() -> None:
    settings = ApplicationSettings.read()
    stopping = stop_on_signal()
    have_tables(settings.database, IMPORTS)
    settings.say_ready()
    print(f"DIXF of {settings.environment} watches {settings.data / 'inbox'}", flush=True)
    while not stopping.wait(_INTERVAL):
        import_all(settings)


if __name__ == "__main__":
    main()
