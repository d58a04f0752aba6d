"""Readings that a made pressure is calibrated by: a cuff's, or of a line elsewhere in the record.

A reading has the columns ``dataset``, ``record_id``, ``kind`` (``cuff`` or ``line``), ``taken_s``
(seconds from the record's start), ``sbp``, ``dbp`` and ``map`` in mmHg, ``moment`` (the index of
the window whose ECG and PPG show its moment) and ``moment_sha256`` (that window's
``input_sha256``); the last two are null where no window is fit to show it.
"""
