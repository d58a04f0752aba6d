"""What a training writes of its errors, to be plotted."""

import csv
import time
from collections.abc import Callable
from pathlib import Path

import torch

from models.tricardio.losses import TASK_OF_STATE
from ops.split import Split
from schemas.modality import MODALITIES

Told = list[dict[str, torch.Tensor]]


class Curves:
    """Figures over the steps, a row each in a file; ``figures`` makes them of what steps told."""

    def __init__(
        self, path: Path, figures: Callable[[Told], dict[str, float]] | None = None
    ) -> None:
        self._path = path
        self._figures = figures or figures_of
        self._totals: Told = []
        self._windows = 0
        self._since = time.perf_counter()

    def add(self, told: dict[str, torch.Tensor], windows: int) -> None:
        """Take in what a step told."""
        self._totals.append(told)
        self._windows += windows

    def taken(self) -> dict[str, float]:
        """Give the figures since this was last called."""
        seconds = time.perf_counter() - self._since
        figures = self._figures(self._totals) | {"windows_a_second": self._windows / seconds}
        self._totals, self._windows, self._since = [], 0, time.perf_counter()
        return figures

    def write(self, split: Split, step: int, figures: dict[str, float]) -> None:
        """Append a row a figure: step, split, name, value."""
        new = not self._path.is_file()
        with self._path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if new:
                writer.writerow(["step", "split", "figure", "value"])
            for name, value in figures.items():
                writer.writerow([step, split, name, f"{value:.5g}"])


def figures_of(totals: Told) -> dict[str, float]:
    """Give the mean loss, and root mean squared errors in units of half a clean range."""
    squared = torch.stack([told["squared"] for told in totals]).sum(dim=0)
    count = torch.stack([told["count"] for told in totals]).sum(dim=0)
    rms = (squared / count.clamp(min=1)).sqrt()
    figures = {"loss": float(torch.stack([told["loss"] for told in totals]).mean())}
    for i, m in enumerate(MODALITIES):
        for state, task in TASK_OF_STATE.items():
            if count[i, state]:
                figures[f"rmse {task} {m}"] = float(rms[i, state])
    return figures
