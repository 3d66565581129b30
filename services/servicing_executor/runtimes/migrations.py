"""Database migrations that an image's modules bring: `Resources/Migrations/NNN_name.sql` of each payload.

Modules run after those they reference, otherwise by name; files of a module by name. Each file is one
transaction together with its line in `schema_migrations`, so it has run as a whole or not at all, and a
repeat finds it done.
"""

import asyncio
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import psycopg
from psycopg import sql

from services.servicing_executor.runtimes.port import RuntimeUnavailableError, Step, StepFailedError
from shared.artifacts.image import Image, ImageModule

_LOCK = 7_305_814_621_940_233  # any number: one per database, taken by nothing else
_TABLES = """\
create table if not exists schema_migrations (
    module text, file_name text, digest text not null, image text not null,
    applied_at timestamptz not null default now(), primary key (module, file_name)
);
create table if not exists installed_modules (name text primary key, version text not null);
"""
_Connection = psycopg.AsyncConnection[tuple[object, ...]]


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `name` is `<module>/<file>`, `digest` that of its bytes."""

    module: str
    file_name: str
    text: str
    digest: str

    @property
    def name(self) -> str:
        return f"{self.module}/{self.file_name}"


def in_dependency_order(modules: Sequence[ImageModule]) -> tuple[ImageModule, ...]:
    """Referenced modules first, ties by name; references out of the image are ignored, a cycle fails."""
    by_name = {module.name.casefold(): module for module in modules}
    sorter: TopologicalSorter[str] = TopologicalSorter()
    for key, module in by_name.items():
        sorter.add(key, *(r.casefold() for r in module.references if r.casefold() in by_name))
    try:
        sorter.prepare()
    except CycleError as error:
        names = " -> ".join(by_name[key].name for key in error.args[1])
        raise StepFailedError(f"modules reference each other in a circle: {names}") from error
    order: list[ImageModule] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        order += (by_name[key] for key in ready)
        sorter.done(*ready)
    return tuple(order)


def find_migrations(release: Path, modules: Sequence[ImageModule]) -> tuple[Migration, ...]:
    """The release folder's migrations in the order in which they run."""
    return tuple(
        migration
        for module in in_dependency_order(modules)
        for migration in _of_module(module, release / module.folder)
    )


def _of_module(module: ImageModule, folder: Path) -> Iterator[Migration]:
    # Payloads are made on systems that do not tell letter case apart.
    found = [
        path
        for resources in folder.glob("[Rr][Ee][Ss][Oo][Uu][Rr][Cc][Ee][Ss]")
        for migrations in resources.glob("[Mm][Ii][Gg][Rr][Aa][Tt][Ii][Oo][Nn][Ss]")
        for path in migrations.glob("*.[Ss][Qq][Ll]")
    ]
    for path in sorted(found, key=lambda path: path.name.lower()):
        content = path.read_bytes()
        try:
            text = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise StepFailedError(f"migration {module.name}/{path.name} is not UTF-8: {error}") from error
        yield Migration(module.name, path.name, text, hashlib.sha256(content).hexdigest())


async def migrate(conninfo: str, image: Image, release: Path, step: Step) -> tuple[str, ...]:
    """Run what did not run yet, then record the image's modules; returns the names of what ran now."""
    migrations = await asyncio.to_thread(find_migrations, release, image.contents.modules)
    applied: list[str] = []
    try:
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
            # Waits for the end of a migration whose executor was killed.
            await connection.execute("select pg_advisory_lock(%s)", (_LOCK,))
            await connection.execute(_TABLES)
            done = await _recorded(connection)
            for migration in migrations:
                if await _is_done(migration, done):
                    continue
                step.log(f"running migration {migration.name}")
                await _run(connection, migration, image.digest)
                step.log(f"migration {migration.name} is applied")
                applied.append(migration.name)
            await _record_modules(connection, image)
    except psycopg.Error as error:
        if _says_nothing_about_the_image(error):
            raise RuntimeUnavailableError(f"the database server failed while migrating: {error}") from error
        raise StepFailedError(f"the database could not be migrated: {error}") from error
    step.log(f"{len(applied)} migrations ran, {len(migrations) - len(applied)} had run before")
    return tuple(applied)


async def _recorded(connection: _Connection) -> dict[tuple[str, str], str]:
    cursor = await connection.execute("select module, file_name, digest from schema_migrations")
    return {(str(m).casefold(), str(f).casefold()): str(d) for m, f, d in await cursor.fetchall()}


async def _is_done(migration: Migration, done: dict[tuple[str, str], str]) -> bool:
    digest = done.get((migration.module.casefold(), migration.file_name.casefold()))
    if digest is not None and digest != migration.digest:
        raise StepFailedError(
            f"migration {migration.name} was changed after it ran in this database: leave files that ran as "
            "they were and add a new one"
        )
    return digest is not None


async def _run(connection: _Connection, migration: Migration, image: str) -> None:
    try:
        async with connection.transaction():
            begun = await _transaction_id(connection)
            await connection.execute(sql.SQL(migration.text))
            if await _transaction_id(connection) != begun:
                raise StepFailedError(
                    f"migration {migration.name} ends its own transaction: remove COMMIT and ROLLBACK"
                )
            await connection.execute(
                "insert into schema_migrations (module, file_name, digest, image) values (%s, %s, %s, %s)",
                (migration.module, migration.file_name, migration.digest, image),
            )
    except psycopg.Error as error:
        if _says_nothing_about_the_image(error):
            raise
        raise StepFailedError(f"migration {migration.name} failed: {error}") from error


def _says_nothing_about_the_image(error: psycopg.Error) -> bool:
    # SQLSTATE classes: 08 connection, 53 resources, 57P shutdown, 58 system, XX internal; none: no server.
    return error.sqlstate is None or error.sqlstate.startswith(("08", "53", "57P", "58", "XX"))


async def _transaction_id(connection: _Connection) -> object:
    if connection.info.transaction_status != psycopg.pq.TransactionStatus.INTRANS:
        return None
    row = await (await connection.execute("select pg_current_xact_id()::text")).fetchone()
    return None if row is None else row[0]


async def _record_modules(connection: _Connection, image: Image) -> None:
    async with connection.transaction():
        await connection.execute("delete from installed_modules")
        async with connection.cursor() as cursor:
            await cursor.executemany(
                "insert into installed_modules (name, version) values (%s, %s)",
                [(module.name, module.version) for module in image.contents.modules],
            )
