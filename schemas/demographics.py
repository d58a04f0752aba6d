"""What a site tells of a record's patient beside the signals."""

from typing import Final

import dataframely as dy

from schemas.columns import key

PATIENT: Final = ("care_unit", "sex", "age_years", "race", "skin_tone")
"""The columns that tell of the patient and the place."""


class Demographic(dy.Schema):
    """Patient and place of one record; every column is null where the site does not give it.

    ``care_unit`` is the hospital's unit (``micu``), ``age_years`` the age at the record, 90 for
    anybody older in a de-identified lake. ``race`` and ``skin_tone`` are the site's own words.
    """

    dataset = key()
    record_id = key()
    subject_id = dy.String()
    care_unit = dy.String(nullable=True)
    sex = dy.String(nullable=True)
    age_years = dy.Float32(nullable=True)
    race = dy.String(nullable=True)
    skin_tone = dy.String(nullable=True)
    run_id = dy.String()
