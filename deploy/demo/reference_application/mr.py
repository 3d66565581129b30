"""MR: keeps a report of the database's tables, `reports/tables.txt`, with the rows of each."""

from pathlib import Path

import psycopg
from psycopg import sql

from deploy.demo.reference_application.settings import ApplicationSettings, stop_on_signal

_INTERVAL = 0.2


def write_report(database: str, folder: Path) -> bool:
    """Write the report where it would differ from the one that is there; whether it did."""
    with psycopg.connect(database) as connection:
        tables = connection.execute(
            "select tablename from pg_tables where schemaname = 'public' order by tablename"
        ).fetchall()
        lines = ["table\trows"]
        for (table,) in tables:
            counted = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier(table)))
            lines.append(f"{table}\t{counted.fetchall()[0][0]}")
    text = "\n".join(lines) + "\n"
    report = folder / "tables.txt"
    if report.exists() and report.read_text() == text:
        return False
    draft = folder / ".tables.txt"
    draft.write_text(text)
    draft.rename(report)
    return True


def main() -> None:
    settings = ApplicationSettings.read()
    stopping = stop_on_signal()
    write_report(settings.database, settings.data / "reports")
    settings.say_ready()
    print(f"MR of {settings.environment} reports to {settings.data / 'reports'}", flush=True)
    while not stopping.wait(_INTERVAL):
        try:
            write_report(settings.database, settings.data / "reports")
        except psycopg.Error as error:
            print(f"no report: {error}", flush=True)


if __name__ == "__main__":
    main()
