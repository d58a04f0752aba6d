"""Withdraw a model from a lake, or allow it again."""

import polars as pl
from pydantic import Field
from rich.console import Console

from flows.run import recorded
from flows.show import say
from flows.summary import Summary
from flows.upkeep import lake_there
from flows.upkeep_config import WithdrawConfig
from flows.withdrawn import withdrawn_model
from ops.lake import Lake, withdrawal


class WithdrawSummary(Summary):
    """What went, by table; ``note`` says what may not have been meant."""

    model_id: str = ""
    allowed: bool = False
    rows_removed: dict[str, int] = Field(default_factory=dict)
    note: str | None = None

    def sentences(self) -> list[str]:
        """Say in words what happened."""
        if self.error:
            return [self.error]
        notes = [self.note] if self.note else []
        if self.allowed:
            return [f"Model {self.model_id} is allowed: what it makes goes in.", *notes]
        some = [f"{n} rows of {table}" for table, n in self.rows_removed.items() if n]
        gone = " and ".join(some) or "no row"
        return [f"Model {self.model_id} is withdrawn: {gone} went, and it is refused.", *notes]


def withdraw(config: WithdrawConfig) -> WithdrawSummary:
    """Take a model's rows out and refuse it, or allow it again.

    Raises:
        ValueError: where there is no such lake.
    """
    lake = lake_there(config)
    with recorded("withdraw", config, WithdrawSummary) as summary:
        summary.model_id, summary.allowed = config.model_id, config.allow
        before = withdrawn_model(lake, config.model_id)
        if config.allow:
            withdrawal.allow(lake.location, config.model_id)
            summary.note = None if before else "It was not withdrawn."
        else:
            known = _models(lake)
            summary.rows_removed = withdrawal.withdraw(lake.location, config.model_id)
            if before:
                summary.note = f"It was already, since {before.since:%Y-%m-%d %H:%M:%S} UTC."
            elif config.model_id not in known:
                there = ", ".join(known) or "none"
                summary.note = f"The lake had no row by that model; those with rows are: {there}."
    return summary


def show_withdrawal(summary: WithdrawSummary, console: Console) -> None:
    """Print what a withdrawal did."""
    for sentence in summary.sentences():
        say(console, sentence)
    say(console, f"{summary.seconds:.1f} s, run {summary.run_id}")


def _models(lake: Lake) -> list[str]:
    ids = pl.concat([lake.scan(table).select("model_id") for table in withdrawal.MODEL_TABLES])
    return ids.unique().collect()["model_id"].sort().to_list()
