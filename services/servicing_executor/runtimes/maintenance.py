"""Maintenance mode: a setting in the environment's own database, which its services read."""

import psycopg

from services.servicing_executor.runtimes.port import RuntimeUnavailableError, StepFailedError


async def set_maintenance_mode(conninfo: str, *, enabled: bool) -> None:
    """StepFailedError where the application has no such setting, RuntimeUnavailableError without the database."""
    try:
        async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
            cursor = await connection.execute(
                "update system_settings set value = %s where name = 'CONFIGURATIONMODE'", ("1" if enabled else "0",)
            )
    except psycopg.errors.UndefinedTable as error:
        raise StepFailedError("the database has no system_settings: no platform was applied") from error
    except psycopg.Error as error:
        raise RuntimeUnavailableError(f"maintenance mode could not be set: {error}") from error
    if cursor.rowcount != 1:
        raise StepFailedError("system_settings of the database lacks CONFIGURATIONMODE")
