"""Axes of a chart: where values lie, and the lines that say so."""

from dataclasses import dataclass, replace
from typing import Self

from markupsafe import Markup

from ops.report.svg import line, text, ticks
from ops.report.words import figure


@dataclass(frozen=True)
class Axes:
    """A box with margins, and the values at its edges; sizes are units of the picture."""

    width: float
    height: float
    left: float
    right: float
    top: float
    bottom: float
    x_low: float = 0.0
    x_high: float = 1.0
    y_low: float = 0.0
    y_high: float = 1.0

    def over(self, low: float, high: float, inner_height: float) -> Self:
        """Span values on the x axis, over rows so high."""
        height = self.top + inner_height + self.bottom
        return replace(self, x_low=low, x_high=high, height=height)

    def x(self, value: float) -> float:
        """Place a value on the x axis."""
        inner = self.width - self.left - self.right
        return self.left + inner * (value - self.x_low) / (self.x_high - self.x_low)

    def y(self, value: float) -> float:
        """Place a value on the y axis, which goes up."""
        inner = self.height - self.top - self.bottom
        return self.top + inner * (self.y_high - value) / (self.y_high - self.y_low)

    def x_ticks(self, name: str, about: int = 5) -> list[Markup]:
        """Draw lines at round values of the x axis, and say which, and of what."""
        floor = self.height - self.bottom
        return [
            mark
            for value in ticks(self.x_low, self.x_high, about)
            for mark in (
                line(self.x(value), self.top, self.x(value), floor, "grid"),
                text(self.x(value), floor + 13, figure(value, 0), "middle", "tick"),
            )
        ] + [text(self.width - self.right, self.height - 2, name, "end", "axis")]

    def y_ticks(self, name: str, about: int = 5) -> list[Markup]:
        """Draw lines at round values of the y axis, and say which, and of what."""
        end = self.width - self.right
        return [
            mark
            for value in ticks(self.y_low, self.y_high, about)
            for mark in (
                line(self.left, self.y(value), end, self.y(value), "grid"),
                text(self.left - 6, self.y(value) + 4, figure(value, 0), "end", "tick"),
            )
        ] + [text(0, 10, name, "start", "axis")]
