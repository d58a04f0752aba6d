import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.modality import MODALITIES, UNITS, lead_rank, modality_of, to_modality_unit

ECG = [
    "I",
    "II",
    "III",
    "aVR",
    "AVL",
    "aVF",
    "V",
    "V1",
    "V5",
    "MCL",
    "MCL1",
    "MLI",
    "MLII",
    "MLIII",
]
ECG += ["ECG", "ECG1", "ECG 2", "ECG II", "ECG lead V1", "Lead II", "EKG", "D3", "ML5"]


@pytest.mark.parametrize("name", ECG)
def test_an_ecg_lead_is_ecg(name) -> None:
    assert modality_of(name) == "ecg"


@pytest.mark.parametrize("name", ["PLETH", "Pleth", "PPG", "pleth "])
def test_a_plethysmogram_is_ppg(name) -> None:
    assert modality_of(name) == "ppg"


@pytest.mark.parametrize("name", ["ABP", "ART", "AOBP", "BP", "UAP", " abp"])
def test_an_arterial_line_is_abp(name) -> None:
    assert modality_of(name) == "abp"


@pytest.mark.parametrize(
    "name", ["PAP", "CVP", "ICP", "LAP", "RAP", "UVP", "P1", "NBPSys", "ABPMean"]
)
def test_another_pressure_is_no_abp(name) -> None:
    assert modality_of(name) is None


@pytest.mark.parametrize(
    "name",
    ["noise1", "noise2", "Resp", "RESP", "CO2", "SpO2", "HR", "sig 0, fmt 8", "", "IIII", "lead"],
)
def test_what_is_none_of_the_three_is_no_modality(name) -> None:
    assert modality_of(name) is None


@settings(max_examples=50)
@given(st.text(max_size=10))
def test_any_name_is_a_modality_or_none_whatever_its_case_and_spaces(name) -> None:
    assert modality_of(name) in {None, *MODALITIES}
    assert modality_of(f"  {name}\t") == modality_of(name)


@pytest.mark.parametrize("name", ["II", "ii ", "MLII", "ECG II", "ECG lead II", "Lead II"])
def test_lead_ii_is_preferred(name) -> None:
    assert lead_rank("ecg", name) == 0


@pytest.mark.parametrize("name", ["I", "III", "V", "V2", "ECG", "ECG2", "MLIII", "aVR", "noise1"])
def test_any_other_lead_competes_by_its_samples(name) -> None:
    assert lead_rank("ecg", name) == 1


@pytest.mark.parametrize(("modality", "name"), [("ppg", "PLETH"), ("abp", "ART"), ("abp", "ABP")])
def test_no_signal_is_preferred_where_there_are_no_leads(modality, name) -> None:
    assert lead_rank(modality, name) == 0


@pytest.mark.parametrize(
    ("modality", "unit", "stored", "factor"),
    [
        ("ecg", "mV", "mV", 1.0),
        ("ecg", "uV", "mV", 1e-3),
        ("ecg", "\N{MICRO SIGN}V", "mV", 1e-3),
        ("ecg", "V", "mV", 1e3),
        ("ecg", "NU", "NU", 1.0),
        ("ecg", "mmHg", "NU", 1.0),
        ("ecg", "furlong", "NU", 1.0),
        ("ppg", "NU", "NU", 1.0),
        ("ppg", "mV", "NU", 1.0),
        ("ppg", "", "NU", 1.0),
        ("abp", "mmHg", "mmHg", 1.0),
        ("abp", " MMHG ", "mmHg", 1.0),
        ("abp", "mV", "NU", 1.0),
        ("abp", "NU", "NU", 1.0),
    ],
)
def test_a_unit_of_its_kind_is_converted_and_any_other_is_none(
    modality, unit, stored, factor
) -> None:
    assert to_modality_unit(modality, unit) == (stored, factor)


def test_a_pressure_in_kilopascal_becomes_mmhg() -> None:
    unit, factor = to_modality_unit("abp", "kPa")

    assert unit == "mmHg"
    assert 101.325 * factor == pytest.approx(760, abs=0.01)


@settings(max_examples=50)
@given(st.sampled_from(MODALITIES), st.text(max_size=6))
def test_any_unit_is_stored_as_that_of_the_modality_or_as_none(modality, unit) -> None:
    stored, factor = to_modality_unit(modality, unit)

    assert stored in {UNITS[modality], "NU"}
    assert factor > 0
