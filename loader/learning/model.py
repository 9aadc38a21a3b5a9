"""A model in memory: as training gives it, and as it is loaded back."""

import tempfile
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import numpy as np
from catboost import CatBoost

GOLDEN_ROWS = 64


@dataclass
class HeldOut:
    """The model before it was fitted again on all days, by which the version is evaluated, and its held-out days."""

    booster: CatBoost
    first_day: date
    until: date


@dataclass
class NewModel:
    """A model ready to be stored; golden holds rows of features that its copy in the database must score alike.

    held_out: None if no day was held out from what is stored, or nothing was fitted again.
    """

    booster: CatBoost
    feature_names: list[str]
    encoders: dict
    trained_from: date | None
    trained_until: date | None
    golden: np.ndarray
    metrics: dict
    parameters: dict
    held_out: HeldOut | None = None


@dataclass
class Model:
    """A version as it is evaluated: fitted on the days before the held-out ones.

    deployed_until: the days that what serves has learned from end there, trained_until if it is the same.
    """

    variant: str
    version: int
    booster: CatBoost
    feature_names: list[str]
    encoders: dict
    trained_until: datetime | None
    deployed_until: datetime | None

    @property
    def name(self) -> str:
        """What it is called in commands."""
        return f"{self.variant}@{self.version}"


def predict(booster: CatBoost, features: np.ndarray, thread_count: int = -1) -> np.ndarray:
    """Return the scores of rows of features as the database computes them; -1 threads are all."""
    return booster.predict(np.asfortranarray(features), prediction_type="RawFormulaVal", thread_count=thread_count)


def golden_sample(features: np.ndarray) -> np.ndarray:
    """Return some of the rows, the same for the same number of them."""
    chosen = np.random.default_rng(0).choice(len(features), min(GOLDEN_ROWS, len(features)), replace=False)
    return features[chosen]


def artifact(booster: CatBoost) -> bytes:
    """Return the model in the native CatBoost format."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.cbm"
        booster.save_model(str(path), format="cbm")
        return path.read_bytes()
