"""What each column of an export says, in words."""

from typing import Final

from schemas.restoration import ABSTENTIONS, CALIBRATIONS

_PRESSURES: Final = {"sbp": "Systolic", "dbp": "Diastolic", "map": "Mean"}
_ENDS: Final = {
    "": "arterial pressure, mmHg",
    "_lower": "arterial pressure, lower bound of its 90 % interval, mmHg; null where measured",
    "_upper": "arterial pressure, upper bound of its 90 % interval, mmHg; null where measured",
}

_UNTOLD: Final = "null where the site gives none; of a subject, null too where its records differ"

DESCRIPTIONS: Final[dict[str, str]] = {
    "dataset": "Name of the archive in the lake",
    "record_id": "Record of the archive",
    "subject_id": "Subject, as the lake names it",
    "window_index": "Number of the 4 s window in its record, from 0",
    "start_s": "Start of the window, seconds from the record's start",
    "start_time": "Start of the window by the record's clock, no time zone; null without a clock",
    "care_unit": f"Care unit of the record, {_UNTOLD}",
    "sex": f"Sex of the subject, {_UNTOLD}",
    "age_years": f"Age at the record, {_UNTOLD}",
    "race": f"Race in the site's own words, {_UNTOLD}",
    "skin_tone": f"Skin tone in the site's own words, {_UNTOLD}",
    **{f"{p}{e}": f"{name} {what}" for p, name in _PRESSURES.items() for e, what in _ENDS.items()},
    "source": "measured: by an arterial line; synthetic: made by a model",
    "synthetic": "Whether the pressure was made by a model and not measured",
    "calibration": "What a synthetic pressure was calibrated by: cuff, line (elsewhere in the "
    "record) or none; null where measured, and where a line that was there has been restored",
    "reference_age_s": "Age of the calibrating reading, s; negative where it came later",
    "correction": "Whose correction the interval has: site, by the site's own audit, or shipped",
    "correction_subjects": "Subjects that the site's correction rests on; the least of an hour's",
    "model_id": "Model that made the pressure",
    "abstained": "Why the model gave no pressure",
    "hour_of": "clock: hours are those of the record's clock; record: from the record's start",
    "hour_start": "Start of the hour by the clock; null where there is none",
    "hour": "Hours since the record's start, where there is no clock",
    "n_windows": "Windows of 4 s with a pressure",
    "n_records": "Records with a window in the export",
    "first_window": "Start of the first window by the clock",
    "last_window": "Start of the last window by the clock",
    "hours": "Time with a pressure, hours; where records overlap by the clock, once",
    "coverage": "Share of the hour's 3600 s with a pressure, by one record or several",
    "map_below_65_s": "Time with a mean arterial pressure below 65 mmHg, s",
    "map_below_65_share": "That time over the time with a pressure",
    "map_lower_below_65_s": "Time with the lower bound of the mean below 65 mmHg, s; null where "
    "measured",
    **{f"share_{c}": f"Share of the synthetic windows calibrated by {c}" for c in CALIBRATIONS},
    "share_restored": "Share of the synthetic windows whose own line has been restored",
    "share_site_corrected": "Share of the synthetic windows with the site's correction",
    "oldest_reference_s": "Greatest age of a calibrating reading, s, before or after",
    **{f"abstained_{why}": f"Windows without a pressure: {why}" for why in ABSTENTIONS},
    "without_pressure": "Windows of which no pressure could be told, and no reason is known",
}
