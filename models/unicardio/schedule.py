"""The noise schedule of the release: 50 steps, quadratic in the noise's standard deviation."""

from typing import Final

import numpy as np

from models.unicardio.architecture import STEPS

BETA: Final = np.linspace(1e-4**0.5, 0.5**0.5, STEPS) ** 2
"""(STEPS,) variance that step t adds."""

ALPHA_BAR: Final = np.cumprod(1 - BETA)
"""(STEPS,) share of the signal's variance that is left at t."""
