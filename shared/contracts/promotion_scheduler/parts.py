"""What messages of promotion-scheduler are made of."""

from pydantic import Field

from shared.contracts.message import Part


class UpdateWindow(Part):
    """The hours in which an environment may be updated without being asked, each day."""

    opens: str = Field(default="20:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    """Local time."""
    closes: str = Field(default="06:00", pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
    """Local time; on the next day if it is not after `opens`. At least six hours later."""
    time_zone: str = Field(default="UTC", min_length=1, max_length=60)
    """Name in the IANA time zone database."""
