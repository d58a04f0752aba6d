"""What is said where a data file of a lake is gone."""

import pytest

from ops.lake.location import LakeError, Location
from ops.lake.lost import telling_lost

PART = "part-7d582a49-ebd9-406a-9dab-01bc5b9e68f2.parquet"
LAKE = Location("s3://research/pulselake")


@pytest.mark.parametrize(
    ("said", "file"),
    [
        (f"No such file or directory (os error 2): ...lake/records/{PART}", f"records/{PART}"),
        (
            f"Object at location pulselake/windows/dataset=ward/{PART} not found: Error",
            f"windows/dataset=ward/{PART}",
        ),
    ],
)
def test_the_file_and_its_lake_are_named_and_what_to_do_is_said(said, file) -> None:
    with (
        pytest.raises(LakeError, match=f"^lake {LAKE.url} has lost its data file {file}: bring "),
        telling_lost(LAKE),
    ):
        raise FileNotFoundError(said)


@pytest.mark.parametrize("said", ["subjects.csv", "/archive/windows/a0102.dat", PART])
def test_a_file_that_is_not_the_lakes_is_told_as_it_was(said) -> None:
    with pytest.raises(FileNotFoundError, match=said) as caught, telling_lost(LAKE):
        raise FileNotFoundError(said)

    assert not isinstance(caught.value, LakeError)
