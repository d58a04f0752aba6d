"""WFDB records as last read: the table that says what is in."""

import dataframely as dy

from schemas.columns import clock, key, one_of, stamp

RECORD_STATUSES = ("complete", "partial", "no_modality", "empty")


class Record(dy.Schema):
    """One WFDB record; its row commits last and alone says that the record is in.

    ``status``: ``complete``, ``partial`` (something of it is in ``quarantine``), ``no_modality``
    (nothing in it is ECG, PPG or ABP) or ``empty`` (no sample of them). ``files`` are the paths,
    below the source, of every file that the header tree names, absent ones too; with
    ``--deidentify`` their keyed hashes. ``fingerprint`` hashes name, size and ETag of each.
    ``names_check`` tells the key of those hashes from others, null where names are the source's
    own; a dataset has one of them. ``fs`` is the source's frame rate in Hz.
    """

    dataset = key()
    record_id = key()
    subject_id = dy.String()
    path = dy.String()
    etag = dy.String()
    size_bytes = dy.Int64(min=0)
    status = one_of(*RECORD_STATUSES)
    fs = dy.Float64(min_exclusive=0)
    duration_s = dy.Float64(min=0)
    start_time = clock()
    n_segments = dy.Int32(min=0)
    n_windows = dy.Int32(min=0)
    signals = dy.List(
        dy.Struct(
            {
                "name": dy.String(),
                "modality": dy.String(nullable=True),
                "fs": dy.Float64(),
                "unit": dy.String(),
                "adc_gain": dy.Float64(),
            }
        )
    )
    names_check = dy.String(nullable=True)
    comments = dy.List(dy.String(), nullable=True)
    files = dy.List(dy.String())
    fingerprint = dy.String()
    reader_version = dy.String()
    grader_version = dy.String()
    run_id = dy.String()
    ingested_at = stamp()
