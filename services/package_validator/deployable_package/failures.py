"""Failures that are not the package's fault."""


class InfrastructureError(Exception):
    """The check could not be finished: the file could not be read, or the time ran out.

    It says nothing about the package: never report it as a finding.
    """
