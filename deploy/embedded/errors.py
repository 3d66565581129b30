"""The one error that users of the engines see."""


class EnginesError(Exception):
    """An engine cannot be fetched, started, reached or ended; the message names the way out."""
