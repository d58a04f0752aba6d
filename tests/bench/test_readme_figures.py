import json
from pathlib import Path

from bench import hospital

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGE = (ROOT / "docs" / "figures.md").read_text(encoding="utf-8")
MODELS = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


def bars(name: str) -> dict[str, float]:
    result = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    return {bar["name"]: bar["value"] for bar in result["bars"]}


def figures() -> list[str]:
    """The page's column of figures, as the results say it."""
    grading, ingest = bars("grading"), bars("ingest")
    caught = min(value for name, value in grading.items() if name.startswith("caught"))
    faster = [value for name, value in ingest.items() if name.startswith("times faster")]
    hour = [value for name, value in ingest.items() if name.startswith("times real time")]
    opened, scale, fuzz = bars("open_window"), bars("scale"), bars("fuzz")
    parity = bars("unicardio_parity")
    sampling = [bars(name) for name in ("unicardio_speed", "unicardio_speed_avx2")]
    filling = bars("tricardio_speed")
    chain = bars("audit_chain")
    left = [chain[f"ME of {p} after the site's step, over before"] for p in ("sbp", "dbp", "map")]
    beyond, quarter, cached = bars("annotate").values()
    return [
        f"{100 * beyond:.1f} points",
        f"{100 * quarter:.0f} %",
        f"{cached:.1f} times",
        " / ".join(f"{t:,.0f}" for t in filling.values()) + " times",
        f"{max(parity.values()):.1e}",
        *(" / ".join(f"{t:.1f}" for t in times.values()) + " times" for times in sampling),
        f"{grading['area under ROC, clean and 0 dB em']:.3f} / "
        f"{grading['area under ROC, clean and 0 dB ma']:.3f}",
        f"{100 * caught:.0f} %",
        f"{100 * grading['good or fair ppg in the good records']:.0f} % / "
        f"{100 * grading['good or fair abp in the good records']:.0f} %",
        f"{grading[speed(grading)]:.0f} times",
        f"{min(faster):.0f} to {max(faster):.0f} times",
        f"{hour[0]:,.0f} / {hour[1]:,.0f} times",
        f"{100 * bars('night')['share of time that devices are busy']:.0f} %",
        f"{opened['ms to open a window after the first, median']:.1f} ms",
        f"{100 * opened['bytes of a cohort over those of the signals']:.1f} %",
        f"{bars('cohort')['s of an export, Parquet and CSV, median']:.1f} s",
        f"{100 * chain['mean coverage over wards, lines high by 0']:.0f} %",
        " / ".join(f"{100 * share:.0f}" for share in left) + " %",
        f"{scale['seconds to plan 10000 unchanged records on S3, listing aside']:.1f} s",
        f"{scale['ingest, disk: a record of 10000 against one of 1000']:.2f} times",
        f"{scale['MiB more in 72 h than in 1 h']:.0f} MiB",
        f"{fuzz['cases that crash, trespass or say nothing']} of {fuzz['cases']:,}",
    ]


def speed(grading: dict[str, float]) -> str:
    return next(name for name in grading if "NeuroKit2" in name)


def rows(page: str) -> list[str]:
    return [line for line in page.splitlines() if line.startswith("| ")]


def claims(name: str) -> dict[str, float]:
    result = json.loads((ROOT / "bench" / "results" / f"{name}.json").read_text(encoding="utf-8"))
    (told,) = result["claims"].values()
    return {claim["name"]: claim["value"] for claim in told}


def said_of_tricardio(told: dict[str, float]) -> list[str]:
    """What the short table says of the model, of one evaluation, row by row."""
    gap = "30 % gap in {}, alone: RMSE over that of the best classical method alone"
    noise = "{} at 0 dB: gain above the best classical method, dB"
    kinds = ("ecg with nst noise", "ppg with motion noise")
    cuffs = [told[f"{p} with a first cuff: MAE over that of last cuff"] for p in ("SBP", "DBP")]
    kept = "{} without a cuff: coverage of the 90 % interval"
    return [
        " / ".join(f"{told[gap.format(m)]:.2f}" for m in ("ecg", "ppg", "abp")),
        " / ".join(f"{told[noise.format(kind)]:.1f}" for kind in kinds),
        f"{told['PPG + ECG to ABP: median correlation of shape']:.2f}",
        " / ".join(f"{ratio:.2f}" for ratio in cuffs),
        " / ".join(f"{100 * told[kept.format(p)]:.0f}" for p in ("SBP", "DBP", "MAP")) + " %",
        f"{told['PPG to ECG: beat F1 within 150 ms']:.2f}",
    ]


def test_the_page_of_figures_quotes_what_the_benchmarks_wrote() -> None:
    for figure in figures():
        assert any(line.endswith(f"| {figure} |") for line in rows(PAGE)), figure


def test_each_figure_of_the_readme_is_on_the_page_of_figures_or_of_models() -> None:
    table = README.partition("## How good it is")[2]

    assert set(rows(table)) <= {*rows(PAGE), *rows(MODELS)}


def test_the_short_table_of_the_model_is_what_the_evaluations_wrote() -> None:
    table = [line for line in rows(MODELS.partition("## How good")[2]) if line.count("|") == 4]
    here, elsewhere = map(said_of_tricardio, map(claims, ("tricardio_test", "tricardio_cinc2015")))

    told = [tuple(cell.strip() for cell in line.split("|")[2:4]) for line in table[1:7]]
    assert told == list(zip(here, elsewhere, strict=True))


def test_the_page_on_scale_holds_what_the_measured_figures_come_to() -> None:
    page = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")

    assert hospital.table(hospital.Hospital(), hospital.measured()) in page
