import random

from hypothesis import given
from hypothesis import strategies as st

from ops.fingerprint import fingerprint
from ops.source import Entry

names = st.text(max_size=8)
entries = st.builds(Entry, st.just(""), st.integers(0, 9), st.text(max_size=4))
listings = st.dictionaries(names, entries, min_size=1, max_size=8)


@given(listings, st.randoms())
def test_a_fingerprint_does_not_depend_on_order(
    listing: dict[str, Entry], rng: random.Random
) -> None:
    files = list(listing)
    shuffled = rng.sample(files, len(files))
    reordered = {name: listing[name] for name in shuffled}

    assert fingerprint(shuffled + shuffled, reordered) == fingerprint(files, listing)


@given(listings, st.data())
def test_a_fingerprint_changes_with_size_version_presence_and_name(
    listing: dict[str, Entry], data: st.DataObject
) -> None:
    files = list(listing)
    name = data.draw(st.sampled_from(files))
    was = listing[name]

    marks = {
        fingerprint(files, listing),
        fingerprint(files, listing | {name: Entry("", was.size + 1, was.version)}),
        fingerprint(files, listing | {name: Entry("", was.size, was.version + "x")}),
        fingerprint(files, {key: entry for key, entry in listing.items() if key != name}),
        fingerprint([*files, name + "absent-too"], listing),
    }

    assert len(marks) == 5


def test_a_file_that_a_record_does_not_name_does_not_count() -> None:
    listing = {"a.hea": Entry("a.hea", 1, "v")}

    other = listing | {"a.atr": Entry("a.atr", 1, "v")}

    assert fingerprint(["a.hea"], other) == fingerprint(["a.hea"], listing)
