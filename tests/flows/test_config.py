import pytest
from pydantic import ValidationError

from flows.config import IngestConfig, NightlyConfig, load_toml


def test_a_dataset_is_named_by_the_last_folder_of_its_source() -> None:
    assert IngestConfig(source="s3://bucket/waves/ward-7/", lake="lake").dataset == "ward-7"


def test_a_dataset_that_is_given_stands() -> None:
    assert IngestConfig(source="s3://bucket/x", lake="lake", dataset="icu").dataset == "icu"


def test_an_option_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValidationError, match="grader"):
        NightlyConfig(source="a", lake="b", grader="mine")


def test_deidentifying_without_a_key_is_refused(monkeypatch) -> None:
    monkeypatch.delenv("PULSELAKE_DEID_KEY", raising=False)

    with pytest.raises(ValidationError, match="needs a key"):
        IngestConfig(source="a", lake="b", dataset="icu", deidentify=True)


def test_a_deidentified_dataset_is_not_named_by_its_folder() -> None:
    with pytest.raises(ValidationError, match="may name a patient: give the dataset a name"):
        IngestConfig(source="p100/Smith", lake="b", deidentify=True, deid_key="k" * 16)


def test_a_key_never_shows() -> None:
    config = IngestConfig(source="a", lake="b", deid_key="a key of sixteen and more")

    assert "sixteen" not in repr(config)
    assert "sixteen" not in config.model_dump_json()


@pytest.mark.parametrize(
    "source",
    [
        "s3://me:numbat@bucket/ward",
        "filecache::s3://me:numbat@bucket/ward",
        "https://host/ward?X-Amz-Signature=numbat",
        "https://host/ward?plain=1&access_token=numbat",
    ],
)
def test_an_address_with_a_secret_is_refused_and_not_shown(source) -> None:
    with pytest.raises(ValidationError, match="give it by the environment instead") as refused:
        NightlyConfig(source=source, lake="b", deid_key="numbat")

    assert "numbat" not in str(refused.value)


def test_a_toml_file_takes_the_names_of_the_command_line(tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text('source = "a"\nlake = "b"\ngpus-per-actor = 0.5\n')

    assert NightlyConfig(**load_toml(file)).gpus_per_actor == 0.5


def test_a_file_that_is_no_toml_is_named(tmp_path) -> None:
    file = tmp_path / "night.toml"
    file.write_text("source: a")

    with pytest.raises(ValueError, match=r"night\.toml is no TOML"):
        load_toml(file)
