"""A model in memory: as training gives it, and as it is loaded back."""

import os
from dataclasses import dataclass
from datetime import date, datetime

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


def predict(booster: CatBoost, features: np.ndarray, threads: int | None = None) -> np.ndarray:
    """Return the scores of rows of features as the database computes them; threads: all of thread_count()."""
    return booster.predict(
        np.asfortranarray(features), prediction_type="RawFormulaVal", thread_count=threads or thread_count()
    )


def golden_sample(features: np.ndarray) -> np.ndarray:
    """Return some of the rows, the same for the same number of them."""
    chosen = np.random.default_rng(0).choice(len(features), min(GOLDEN_ROWS, len(features)), replace=False)
    return features[chosen]


def thread_count() -> int:
    """Return how many threads a fit takes: as many as there are processors, or as PGFEED_THREADS says.

    Their number does not change the model.
    """
    return int(os.environ.get("PGFEED_THREADS") or os.cpu_count() or 1)


def artifact(booster: CatBoost) -> bytes:
    """Return the model in the native CatBoost format; a process that is killed leaves no file behind."""
    with open(os.memfd_create("model"), "rb") as file:
        booster.save_model(f"/proc/self/fd/{file.fileno()}", format="cbm")
        return file.read()
