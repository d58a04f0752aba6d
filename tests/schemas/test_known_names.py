import pytest

from schemas.known_names import is_known_name, is_known_unit

MONITORS = """
II III V aVR MCL1 MLII V1 PLETH Pleth ABP RESP Resp SpO2 PULSE NBPSys NBPMean NBPDias HR PAP ABPSys
ABPMean ABPDias DeltaQTc NBPd NBPm NBPs PVC Perf QT QT-HR QTc RR ST-III ST-V btbHR CVP ICP ART CO2
"""


@pytest.mark.parametrize(
    "name", [*MONITORS.split(), "Pulse (NBP)", "Pulse (SpO2)", "%SpO2", "lead II"]
)
def test_what_monitors_write_is_known(name) -> None:
    assert is_known_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "Smith", "ECG 90210417", "ecg123", "Pulse of Smith", "SpO2 Smith", "ABP 4711", "II Smith"],
)
def test_free_text_is_no_name(name) -> None:
    assert not is_known_name(name)


def test_units_of_monitors_are_known_and_text_is_none() -> None:
    known = ["mV", "mmHg", "NU", "%", "bpm", "rpm", "/min", "Ohm", "msec", "mm", "pm", ""]

    assert all(map(is_known_unit, known))
    assert not any(map(is_known_unit, ["Smith", "mV Smith", "4711"]))
