from ops.report.annotated import annotated, said_of


def test_windows_are_counted_by_rhythm_in_the_order_of_its_words(said) -> None:
    rows = said(
        {"rhythm": "ectopy", "rhythm_confidence": 0.6},
        {"rhythm": "ectopy", "window_index": 1, "rhythm_confidence": 0.8},
        {"rhythm": "regular", "record_id": "b", "subject_id": "b"},
    )

    told = annotated(rows.lazy())

    assert told.windows == 3
    assert told.models == {"m-1": 3}
    counted = [(r["rhythm"], r["windows"], r["subjects"]) for r in told.rhythms]
    assert counted == [("regular", 1, 1), ("ectopy", 2, 1)]
    assert round(told.rhythms[1]["sure"], 3) == 0.7


def test_each_signal_is_counted_by_all_its_qualities(said) -> None:
    rows = said({"ecg_quality": "good"}, {"ecg_quality": "bad", "window_index": 1})

    told = annotated(rows.lazy())

    assert told.qualities["ecg"] == {"good": 1, "fair": 0, "bad": 1, "absent": 0, "unknown": 0}
    assert told.qualities["abp"]["unknown"] == 2


def test_nothing_annotated_is_no_count(said) -> None:
    told = annotated(said({}).clear().lazy())

    assert (told.windows, told.rhythms, told.qualities) == (0, [], {})


def test_a_window_is_told_slot_by_slot_with_units_and_confidences(said) -> None:
    row = {"rhythm": "atrial_fibrillation", "heart_rate": 133, "heart_rate_confidence": 0.999}
    row |= {"evidence_signal": "ecg", "evidence_from_s": 0.2, "evidence_to_s": 1.4}
    row |= {"ecg_quality": "good", "note_confidence": 0.0}

    told = {s.slot: (s.words, s.sure) for s in said_of(said(row).row(0, named=True))}

    assert told["rhythm"] == ("atrial fibrillation", "50\u202f%")
    assert told["heart rate"] == ("133 beats/min", ">99\u202f%")
    assert told["evidence"] == ("ECG, 0.2 to 1.4\u202fs", "50\u202f%")
    assert told["ECG quality"][0] == "good"
    assert told["note"] == ("unknown", "0\u202f%")


def test_what_is_unknown_has_no_unit(said) -> None:
    told = {s.slot: s.words for s in said_of(said({}).row(0, named=True))}

    assert told["heart rate"] == told["evidence"] == "unknown"
    assert len(told) == 12
