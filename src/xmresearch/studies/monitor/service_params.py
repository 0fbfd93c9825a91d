"""Params of what a monitoring study says of handling, counters and pages."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Handling(BaseModel):
    """How long cases take, and how many come back."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    resolved: str | None = Field(None, description="column of the time at which a case was resolved; blank while open")
    responded: str | None = Field(
        None, description="column of the time of the first response; blank while there is none"
    )
    contacts: str | None = Field(
        None, description="column of how many contacts a case took, for first-contact resolution"
    )
    reopened: str | None = Field(None, description="column of whether, or how often, a case was reopened")
    customer: str | None = Field(None, description="column of the customer, for call-backs")
    until: str | None = Field(None, description="when the data end; the latest time in them if absent")
    promised_response: float = Field(24, gt=0, description="hours within which a response was promised")
    promised_resolution: float = Field(72, gt=0, description="hours within which a resolution was promised")
    kept: float = Field(0.9, gt=0, lt=1, description="share of cases for which the promise is to be kept")
    callback_days: float = Field(7, gt=0, description="days within which another case of a customer is a call-back")

    @model_validator(mode="after")
    def _timed(self) -> Self:
        if self.resolved is None and self.responded is None:
            raise ValueError("handling: name the column of the resolution or of the first response")
        return self


class Staffing(BaseModel):
    """How many counters it takes."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    handling_minutes: float = Field(gt=0, description="mean minutes that a person takes at a counter")
    target_minutes: float = Field(10, ge=0, description="minutes within which people should be served")
    share: float = Field(0.8, gt=0, lt=1, description="share of people who should be")
    branch: str | None = Field(
        None, description="whose counters they are, one of the column of branches; all rows if absent"
    )
    patience_minutes: float | None = Field(None, gt=0, description="mean minutes after which those who wait leave")


class Telemetry(BaseModel):
    """What pages and apps measure of a visit."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    load_time: str = Field(min_length=1, description="column of load times, in seconds; blank of rows without a page")
    target: float = Field(
        2, gt=0, description="seconds up to which users are satisfied; four times as many frustrate them (Apdex)"
    )
    failed: str | None = Field(None, description="column of 0 and 1: the page failed")
    left: str | None = Field(None, description="column of 0 and 1: the visit was abandoned")
    visitor: str | None = Field(None, description="column of who made the visit")
