"""A part of a whole in percent, in figures."""


def percent(part: float, of: float, digits: int = 0) -> str:
    """Write a part of what is not nothing, without its sign.

    What is neither nothing nor all never looks so: it is less than the least figure that the digits
    can tell, or more than the greatest below 100.
    """
    share, least = 100 * part / of, 10.0**-digits
    if 0 < share < least:
        return f"<{least:.{digits}f}"
    if share < 100 and round(share, digits) == 100:
        return f">{100 - least:.{digits}f}"
    return f"{share:.{digits}f}"
