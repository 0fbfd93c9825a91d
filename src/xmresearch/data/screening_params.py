"""The settings of screening: what each rule looks for, and what it does."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_Strict = ConfigDict(extra="forbid", strict=True, frozen=True)

Action = Literal["drop", "flag", "off"]


class MissingRule(BaseModel):
    """Respondents who left too many items blank."""

    model_config = _Strict
    action: Action = Field("drop", description="drop, flag or off")
    max_share: float = Field(0.5, ge=0, lt=1, description="largest share of blank items that is kept")


class OutOfRangeRule(BaseModel):
    """Answers outside the scale of their item."""

    model_config = _Strict
    action: Literal["error", "blank", "drop"] = Field(
        "error", description="error: stop; blank: treat as missing; drop: leave the respondent out"
    )


class DuplicateIdRule(BaseModel):
    """Respondent identifiers that occur more than once."""

    model_config = _Strict
    action: Literal["error", "keep_first", "flag"] = Field("error", description="error, keep_first or flag")


class DuplicateRowRule(BaseModel):
    """Respondents whose every item answer equals an earlier respondent's."""

    model_config = _Strict
    action: Action = Field("flag", description="drop, flag or off")


class LongStringRule(BaseModel):
    """Straight-lining: a long run of one same answer in every battery (of at least six items)."""

    model_config = _Strict
    action: Action = Field("flag", description="drop, flag or off")
    share: float = Field(1.0, gt=0, le=1, description="length of the run, as a share of the answers, that triggers")


class IrvRule(BaseModel):
    """Straight-lining: intra-individual response variability (SD over all items) that is too low."""

    model_config = _Strict
    action: Action = Field("flag", description="drop, flag or off")
    minimum: float = Field(0.3, ge=0, description="smallest SD over a respondent's answers that is not suspicious")


class TooFastRule(BaseModel):
    """Interviews that were too short; needs duration_column."""

    model_config = _Strict
    action: Action = Field("drop", description="drop, flag or off")
    seconds_per_item: float = Field(2.0, gt=0, description="fewest seconds an item takes (Huang et al. 2012)")


class ConstantItemRule(BaseModel):
    """Items that everybody answered alike, which cannot measure a difference."""

    model_config = _Strict
    action: Literal["error", "flag"] = Field("error", description="error or flag")


class Screening(BaseModel):
    """Every screening rule and what it does; nothing is dropped without an entry in the log."""

    model_config = _Strict
    out_of_range: OutOfRangeRule = OutOfRangeRule()
    duplicate_ids: DuplicateIdRule = DuplicateIdRule()
    missing: MissingRule = MissingRule()
    too_fast: TooFastRule = TooFastRule()
    long_string: LongStringRule = LongStringRule()
    irv: IrvRule = IrvRule()
    duplicate_rows: DuplicateRowRule = DuplicateRowRule()
    constant_items: ConstantItemRule = ConstantItemRule()
