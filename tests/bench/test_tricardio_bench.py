import numpy as np
import pytest

from bench.tricardio_speed import made_up_batch
from flows.restorers import RestorerConfig, make_restorer

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("task", ["translate", "denoise"])
def test_what_is_timed_is_answered(task) -> None:
    restored = make_restorer(RestorerConfig(samples=2)).restore(made_up_batch(3, task))

    assert np.isfinite(restored.mean).all()
    assert np.isfinite(restored.pressures["sbp"].value).all()
