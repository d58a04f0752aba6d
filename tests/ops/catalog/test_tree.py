import pytest

from ops.catalog import load_tree
from ops.header import HeaderError
from ops.source import Source

SIGNAL = "{name} 1 250 1000\n{name}.dat 16 200/mV 12 0 0 0 0 II\n"


def signal(name: str) -> str:
    return SIGNAL.format(name=name)


def tree_of(root, record_id: str):
    source = Source(str(root))
    return load_tree(source.read, record_id, source.listing())


def test_a_tree_names_headers_signals_and_numerics_there_or_not(archive) -> None:
    root = archive(
        {
            "x/m.hea": "m/4 1 250 2000\nm_layout 0\n~ 500\nm_1 1000\nm_2 500\n",
            "x/m_layout.hea": "m_layout 1 250 0\n~ 0 200/mV 12 0 0 0 0 II\n",
            "x/m_1.hea": signal("m_1"),
            "x/m_1.dat": "",
            "x/m_2.hea": signal("m_2"),
            "x/mn.hea": "mn 1 0.0167 2\nnum.dat 16 1/bpm 16 0 0 0 0 HR\n",
            "x/num.dat": "",
            "x/m.atr": "",
        }
    )

    tree, faults = tree_of(root, "x/m")

    assert (tree.record_id, tree.folder, faults) == ("x/m", "x", [])
    assert sorted(tree.segments) == ["m_1", "m_2", "m_layout"]
    assert tree.numerics == ("mn.hea",)
    assert tree.files == (
        "x/m.hea",
        "x/m_1.dat",
        "x/m_1.hea",
        "x/m_2.dat",
        "x/m_2.hea",
        "x/m_layout.hea",
        "x/mn.csv.gz",
        "x/mn.hea",
        "x/num.dat",
    )
    assert tree.absent == {"x/m_2.dat", "x/mn.csv.gz"}


def test_segments_that_cannot_be_used_are_faults_and_the_rest_stays(archive) -> None:
    root = archive(
        {
            "m.hea": "m/5 1 250 5000\nok 1000\ngone 1000\nbad 1000\nm 1000\nnest 1000\n",
            "ok.hea": signal("ok"),
            "bad.hea": "",
            "nest.hea": "nest/1 1 250 1000\nok 1000\n",
        }
    )

    tree, faults = tree_of(root, "m")

    assert list(tree.segments) == ["ok"]
    assert [(fault.path, fault.step, fault.error, fault.reason) for fault in faults] == [
        (
            "gone.hea",
            "header",
            "FileNotFoundError",
            "record m names segment gone, whose header is not there",
        ),
        ("bad.hea", "header", "HeaderError", "header bad has no record line"),
        ("m.hea", "header", "HeaderError", "record m names itself as a segment"),
        (
            "nest.hea",
            "header",
            "HeaderError",
            "segment nest of record m has segments of its own, which WFDB has no place for",
        ),
    ]


def test_numerics_that_cannot_be_used_are_a_fault_and_left_out(archive) -> None:
    root = archive({"a.hea": signal("a"), "an.hea": "an 1 1 1\n../x.dat 16\n", "an.csv.gz": ""})

    tree, faults = tree_of(root, "a")

    assert tree.numerics == ("an.csv.gz",)
    assert [(fault.path, fault.step) for fault in faults] == [("an.hea", "header")]


def test_a_waveform_that_looks_like_numerics_by_its_name_is_a_fault(archive) -> None:
    root = archive({"a.hea": signal("a"), "an.hea": signal("an")})

    tree, faults = tree_of(root, "a")

    assert tree.numerics == ()
    assert [fault.reason for fault in faults] == [
        "header an belongs to the numerics of record a by its name, "
        "and its 250 Hz are too fast for numerics"
    ]


def test_a_header_that_is_its_own_signal_file_is_refused(archive) -> None:
    root = archive({"a.hea": "a 1 250 10\nb.hea 16 200/mV\n", "b.hea": signal("b")})

    with pytest.raises(HeaderError, match="header a names a header as a signal file"):
        tree_of(root, "a")


def test_a_header_too_large_is_refused_unread(archive) -> None:
    root = archive({"a.hea": b"#" * (8 * 2**20 + 1)})

    with pytest.raises(HeaderError, match="header a has 8388609 bytes"):
        tree_of(root, "a")


def test_a_record_without_a_header_is_an_os_error(archive) -> None:
    with pytest.raises(FileNotFoundError, match=r"a\.hea in .* is not there"):
        tree_of(archive({}), "a")
