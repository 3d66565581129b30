"""What every state of this service is."""

from pydantic import BaseModel, ConfigDict


class Frozen(BaseModel):
    """A value that is never changed."""

    model_config = ConfigDict(frozen=True)
