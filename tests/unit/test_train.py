"""Training without a database."""

import numpy as np
import pytest

from loader import train


def test_a_model_can_start_from_the_logarithm_of_quality():
    quality = np.float32([0.3, 0.9, 1.0, 1.7, 3.5])
    scores = train.quality_trees(["user.age", train.QUALITY]).predict(np.column_stack([np.full(5, 30), quality]))
    assert scores == pytest.approx(np.log(quality), abs=0.03)
