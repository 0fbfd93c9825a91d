"""How a client's reports look: logo, colour, and documents that others are modelled on."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Style(BaseModel):
    """A client's look; paths start from the folder of the params file."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)
    logo: str | None = Field(None, min_length=1, description="picture at the top, PNG or SVG")
    accent: str | None = Field(
        None,
        pattern=r"^#[0-9a-fA-F]{6}$",
        description="colour of rules, links and figures of one colour, such as '#1d5b8f'",
    )
    css: str | None = Field(None, min_length=1, description="style sheet that comes after the report's own, in HTML")
    reference_docx: str | None = Field(None, min_length=1, description="Word document whose styles Word reports take")
    reference_pptx: str | None = Field(
        None, min_length=1, description="PowerPoint file whose layouts slides take, 13.33 by 7.5 inches"
    )

    def files(self) -> dict[str, str]:
        """Return the paths that are given, by key."""
        named = {key: getattr(self, key) for key in ("logo", "css", "reference_docx", "reference_pptx")}
        return {key: path for key, path in named.items() if path is not None}
