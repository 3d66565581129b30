"""The tables that the application itself lives on, made at its start where no migration has made them.

A vendor's real platform package brings none.
"""

import psycopg

SETTINGS = (
    "create table if not exists system_settings (name text primary key, value text not null)",
    "insert into system_settings values ('CONFIGURATIONMODE', '0') on conflict do nothing",
)
IMPORTS = (
    """create table if not exists import_history (
        digest text primary key, file_name text not null, row_count bigint not null,
        imported_at timestamptz not null default now()
    )""",
)


def have_tables(database: str, statements: tuple[str, ...]) -> None:
    """Make tables that are not there. Where the database refuses, the log says so, and every use of them after it."""
    try:
        with psycopg.connect(database) as connection:
            for statement in statements:
                connection.execute(statement)
    except psycopg.Error as error:
        print(f"the application's own tables could not be made: {error}", flush=True)
