"""What an evaluation is told."""

from pathlib import Path
from typing import Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from flows.config import without_secrets
from flows.restorers import RestorerConfig
from ops.judge.cases import all_cases, choose_cases
from ops.lake import Lake
from ops.split import Split


class EvaluateConfig(RestorerConfig):
    """Methods on windows with known truth: how near they come, by task and what they are given."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    data: tuple[str, ...] = Field(
        (),
        description="Parquet files of the data set's form, or folders of them; with --lake, what "
        "the baselines that learn are trained on.",
    )
    beside: tuple[str, ...] = Field(
        (), description="More checkpoints to judge in the same run, sampled as --checkpoint is."
    )
    lake: str | None = Field(
        None, description="Lake to judge on by its good windows, in place of the data's split."
    )
    dataset: str = Field("", description="Name of the archive in the lake; by default all.")
    split: Split = Field("test", description="Groups of the data to judge on.")
    per_group: int = Field(
        40, ge=1, description="Most windows of each group, evenly spaced in its time."
    )
    learn_per_group: int = Field(
        24, ge=1, description="Most windows of each training group for baselines that learn."
    )
    tasks: tuple[str, ...] = Field(
        (), description="Cases to judge, by the start of their names, as denoise/ecg/nst; all."
    )
    noise: str | None = Field(
        None,
        description="Folder of the noise stress test's bw, em and ma; without it, not judged by.",
    )
    out: Path | None = Field(None, description="File to write everything to, as JSON.")
    table: Path | None = Field(
        None, description="File to write what is asked of a shipped model to, as Markdown."
    )

    @property
    def models(self) -> list[RestorerConfig]:
        """Give the config of each model to judge; the classical methods are judged anyway."""
        drawn = {name: getattr(self, name) for name in RestorerConfig.model_fields}
        given = [] if self.restorer == "classical" else [drawn]
        given += [drawn | {"checkpoint": path, "restorer": None} for path in self.beside]
        return [RestorerConfig(**fields) for fields in given]

    @field_validator("lake")
    @classmethod
    def _lake_has_a_place(cls, text: str | None) -> str | None:
        return text and Lake(without_secrets(text)).url

    @field_validator("tasks")
    @classmethod
    def _tasks_are_known(cls, tasks: tuple[str, ...]) -> tuple[str, ...]:
        choose_cases(tasks, all_cases())
        return tasks

    @model_validator(mode="after")
    def _judged_on_something(self) -> Self:
        if not self.data and not self.lake:
            message = "evaluate needs data or a lake to judge on"
            raise ValueError(message)
        return self
