"""Which version of Drydock this is."""

from importlib.metadata import PackageNotFoundError, version


def this_version() -> str:
    """The version that runs; `unknown` where it runs from sources that nobody has installed."""
    try:
        return version("drydock")
    except PackageNotFoundError:
        return "unknown"
