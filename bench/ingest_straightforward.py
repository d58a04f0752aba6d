"""The straightforward way, for the ingest benchmark.

A record is read whole by ``wfdb.rdrecord``; each window is resampled by ``scipy.signal.resample``,
and its quality told by NeuroKit2, which has an index for ECG and one for PPG and none for ABP;
pandas writes a Parquet file a record. It does less than ours: no beats of ABP, no pressures, no
hashes, no validation, no commit.
"""

import warnings
from pathlib import Path
from typing import Any, Final

import neurokit2 as nk
import numpy as np
import pandas as pd
import wfdb
from numpy.typing import NDArray
from scipy.signal import resample

from bench.ingest_timed import run_way

WINDOW_S: Final = 4
FS: Final = 125
CHOICE: Final = {"ecg": ("II", "V", "III"), "ppg": ("PLETH", "Pleth"), "abp": ("ABP", "ART")}

Samples = NDArray[np.float64]


def ingest(archive: Path, out: Path) -> dict[str, Any]:
    """Ingest every record that ``RECORDS`` names."""
    told = {"windows": 0, "signal_s": 0.0, "asked": 0, "refused": 0}
    for name in (archive / "RECORDS").read_text().split():
        rows = _windows(wfdb.rdrecord(str(archive / name)), told)
        pd.DataFrame(rows).to_parquet(out / f"{name}.parquet")
        told["windows"] += len(rows)
    return told


def _windows(record: wfdb.Record, told: dict[str, Any]) -> list[dict[str, Any]]:
    channels = {
        modality: next((record.sig_name.index(n) for n in names if n in record.sig_name), None)
        for modality, names in CHOICE.items()
    }
    rows = []
    for index in range(int(np.ceil(record.sig_len / record.fs / WINDOW_S))):
        start, stop = (round(i * WINDOW_S * record.fs) for i in (index, index + 1))
        row: dict[str, Any] = {"record": record.record_name, "window_index": index}
        for modality, channel in channels.items():
            if channel is None:
                continue
            samples = record.p_signal[start:stop, channel]
            if np.isnan(samples).all():
                continue
            row[modality] = _on_grid(samples, record.fs)
            row[f"{modality}_quality"] = _quality(modality, row[modality], told)
            told["signal_s"] += WINDOW_S
        rows.append(row)
    return rows


def _on_grid(samples: Samples, fs: float) -> Samples:
    known = np.flatnonzero(~np.isnan(samples))
    filled = np.interp(np.arange(len(samples)), known, samples[known])
    on_grid: Samples = resample(filled, max(round(len(samples) / fs * FS), 1))
    return on_grid


def _quality(modality: str, samples: Samples, told: dict[str, Any]) -> float | None:
    """The mean of NeuroKit2's quality over the window; null for ABP and where it refuses."""
    told["asked"] += modality != "abp"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if modality == "ecg":
                cleaned = nk.ecg_clean(samples, sampling_rate=FS)
                return float(np.mean(nk.ecg_quality(cleaned, sampling_rate=FS)))
            if modality == "ppg":
                cleaned = nk.ppg_clean(samples, sampling_rate=FS)
                return float(np.mean(nk.ppg_quality(cleaned, sampling_rate=FS)))
        except (ValueError, IndexError, ZeroDivisionError):
            told["refused"] += 1
    return None


if __name__ == "__main__":
    run_way(ingest)
