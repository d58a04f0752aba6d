"""What an export for a study is told."""

from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from flows.config import PlaceConfig
from ops.cohort.export import FORMS, Form
from ops.cohort.pressures import SOURCES, SourceKind
from ops.cohort.where import condition


class CohortConfig(PlaceConfig):
    """Pressures of a lake for a study: series, hours, subjects, and the forms that others read."""

    out: str = Field(description="Folder to make; the export is there when all of it is.")
    where: str = Field(
        "", description="SQL condition on windows, such as \"map < 65 and care_unit = 'micu'\"."
    )
    source: tuple[SourceKind, ...] = Field(
        SOURCES, description="Pressures to take: measured, synthetic; each to a folder of its own."
    )
    mix: bool = Field(
        False, description="Put both into the same tables, told apart by the column synthetic."
    )
    dataset: str = Field("", description="Name of the archive in the lake; by default all.")
    model_id: str = Field(
        "", description="Take this model's pressures; by default, of each window the newest."
    )
    as_of: str | None = Field(
        None, description="Read the lake as it was: a time, or the id of a run that had ended."
    )
    format: tuple[Form, ...] = Field(FORMS, description="Forms to write.")
    overwrite: bool = Field(False, description="Replace an earlier export.")

    @field_validator("out")
    @classmethod
    def _out_is_a_folder(cls, text: str) -> str:
        if "://" in text or not text.strip():
            message = f"an export goes to a local folder, got {text!r}"
            raise ValueError(message)
        return str(Path(text).expanduser().resolve())

    @field_validator("where")
    @classmethod
    def _where_is_a_condition(cls, text: str) -> str:
        condition(text)
        return text

    @field_validator("format")
    @classmethod
    def _croissant_describes_others(cls, forms: tuple[Form, ...]) -> tuple[Form, ...]:
        if set(forms) == {"croissant"}:
            message = "croissant describes the files of other forms: name one beside it"
            raise ValueError(message)
        return forms

    @model_validator(mode="after")
    def _mixed_only_when_asked(self) -> Self:
        n_sources, one_table = len(set(self.source)), Path(self.out).suffix in {".parquet", ".csv"}
        if one_table and n_sources > 1 and not self.mix:
            message = (
                f"{Path(self.out).name} would be one table of measured and synthetic pressures, "
                "which share none unless mix asks for it: name a folder, where each has its own"
            )
            raise ValueError(message)
        if one_table:
            message = f"an export is a folder of tables, got {Path(self.out).name}: name a folder"
            raise ValueError(message)
        if self.mix and n_sources == 1:
            message = f"mix is of both sources, got {self.source[0]} alone"
            raise ValueError(message)
        return self
