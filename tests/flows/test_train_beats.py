"""The beats' head learns where an ECG has its R peaks from pulses alone."""

import numpy as np
import pytest
import torch

from flows import train_beats
from flows.train_beats import fit_beats
from flows.train_config import TrainConfig
from models.tricardio.beats import BEAT, beat_times
from ops.judge.beat_measures import f1_of, find_beats
from ops.judge.cases import Case, pose
from ops.judge.draw import draw
from ops.judge.parquet import read_timelines

pytestmark = pytest.mark.usefixtures("one_thread")


def test_beats_of_the_windows_learned_from_are_found(
    made_up_uci, small_tricardio, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr(train_beats, "STEPS", 150)
    windows = draw(read_timelines([made_up_uci], "train"), 6)
    network = small_tricardio().network
    beats = fit_beats(network, windows, TrainConfig(data=tmp_path, out=tmp_path))
    posed = pose(Case("translate", "ecg", ("ppg",), "absent"), windows, {})
    with torch.inference_mode():
        logits = beats(train_beats.tokens_of(network, posed, "cpu").float())
    found = [at - 50.0 for at in beat_times(logits.sigmoid().numpy(), posed.batch.hr)]
    true = find_beats(posed.truth, "ecg").times
    f1 = np.nanmean([f1_of(a, b, 19) for a, b in zip(found, true, strict=True)])

    assert f1 > 0.5
    assert int(beats.usual.argmax()) == pytest.approx(-BEAT.start, abs=2)
    assert beats.usual[0] == pytest.approx(0, abs=1e-6)
    assert beats.usual[-1] == pytest.approx(0, abs=1e-6)
