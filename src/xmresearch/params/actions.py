"""What is done about what a report says: who does it, until when, and what it is to reach."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _date(given: Any) -> Any:
    """Read a date written as text; a number, a time and what is no day of the calendar are refused."""
    if type(given) is date:
        return given
    if not isinstance(given, str):
        raise ValueError("a date is written as YYYY-MM-DD")
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise ValueError(f"'{given[:20]}' is no date; write YYYY-MM-DD") from None


Text = Annotated[str, Field(min_length=1, max_length=300)]


class Action(BaseModel):
    """One line of the action register."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    action: Text = Field(description="what is done")
    claim: Text | None = Field(None, description="name of the claim that asks for it")
    about: Text | None = Field(
        None, description="name of the dimension, metric, driver or touchpoint whose figure it is to move"
    )
    owner: Text | None = Field(None, description="who sees to it")
    due: Annotated[date, BeforeValidator(_date)] | None = Field(None, description="until when, as YYYY-MM-DD")
    target: float | None = Field(None, allow_inf_nan=False, description="what the figure is to reach, in its own units")

    @model_validator(mode="after")
    def _of_something(self) -> Action:
        if self.claim is None and self.about is None:
            raise ValueError("an action names the claim that asks for it, or what it is about")
        if self.target is not None and self.about is None:
            raise ValueError("a target needs 'about': the name of the figure that is to reach it")
        return self
