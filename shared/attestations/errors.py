"""What can be wrong with keys, with envelopes, and with whom they are of."""


class KeyFileError(Exception):
    """A key or the trust file cannot be used; the message says which, and the way out."""


class EnvelopeError(Exception):
    """It is no signed statement, or of none of the forms that are read here."""


class UntrustedError(Exception):
    """It is a signed statement, and nobody whose word counts for it has signed it."""
