"""The benchmark of rhythms judges a record by a training that left it out, and by no other."""

import pytest

from bench.annotate_rhythms import FIBRILLATION, Told, left_out_of, of_rhythms
from flows.train_annotator_config import TrainAnnotatorConfig
from flows.train_annotator_steps import NO_SAY
from flows.train_folder import same_as_before


def folder_of(parent, name: str, **told):
    config = TrainAnnotatorConfig(data=parent, out=parent / name, **told)
    same_as_before(config, config.out, NO_SAY)
    return config.out


def test_a_training_that_left_another_record_out_is_refused(tmp_path) -> None:
    assert left_out_of(folder_of(tmp_path, "222", leave_out="222")) == "222"
    with pytest.raises(ValueError, match="201 left out 203"):
        left_out_of(folder_of(tmp_path, "201", leave_out="203"))
    with pytest.raises(ValueError, match="219 left out no record"):
        left_out_of(folder_of(tmp_path, "219"))


@pytest.mark.parametrize("stage", ["3a", "3b"])
def test_weights_that_know_references_are_no_beginning_without_one(tmp_path, stage) -> None:
    with pytest.raises(ValueError, match="may know record 222"):
        TrainAnnotatorConfig(
            data=tmp_path, out=tmp_path, leave_out="222", begin=tmp_path / f"{stage}.safetensors"
        )


def test_sinus_rhythm_counts_in_what_is_spared_alone() -> None:
    truth = [FIBRILLATION, FIBRILLATION, "ectopy", "", "", "", ""]
    said = [FIBRILLATION, "irregular", "ectopy", FIBRILLATION, "regular", "regular", "regular"]
    report = of_rhythms([Told("222", "a way", truth, said)])
    row = dict(zip(report.header, report.rows[0], strict=True))

    assert (row["told"], row["sinus"]) == (3, 4)
    assert row["right"] == pytest.approx(2 / 3)
    assert (row["fibrillation found"], row["others spared"]) == (0.5, 1)
    assert (row["sinus spared"], row["of those said, fibrillation"]) == (0.75, 0.5)
