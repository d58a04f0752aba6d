"""Quantiles of residuals by class."""

import numpy as np

from bench.restore_residuals import quantiles


def test_a_class_gets_the_quantiles_of_its_own_errors() -> None:
    error = np.concatenate([np.linspace(0, 1, 101), np.linspace(0, 10, 101)])
    cell = np.repeat([0, 1], 101)

    np.testing.assert_allclose(quantiles(error, cell, (2,), 100), [[0.05, 0.95], [0.5, 9.5]])


def test_a_class_with_few_errors_shares_those_of_its_row() -> None:
    error = np.concatenate([np.linspace(0, 1, 101), np.linspace(0, 10, 101)])
    cell = np.repeat([0, 2], 101)

    bounds = quantiles(error, cell, (2, 2), 100)

    np.testing.assert_allclose(bounds, [[0.05, 0.95], [0.05, 0.95], [0.5, 9.5], [0.5, 9.5]])
