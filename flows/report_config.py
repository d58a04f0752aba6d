"""What a report is told."""

from pydantic import Field, field_validator

from flows.config import PlaceConfig, local_file


class ReportConfig(PlaceConfig):
    """One page of HTML on the last night: what it did, how good, what was made, how wrong."""

    out: str = Field(description="File to write the page to; one that is there is replaced.")
    dataset: str = Field("", description="Name of the archive in the lake; by default all.")
    as_of: str | None = Field(
        None, description="Tell of the lake as it was: a time, or the id of a run that had ended."
    )

    @field_validator("out")
    @classmethod
    def _out_is_a_file(cls, text: str) -> str:
        return local_file(text)
