"""Figures that may not be defined, as the AUC of views that were all liked: null for programs, words for people."""

import math


def defined(value: object) -> object:
    """Return a value of JSON with null for each number that is none: PostgreSQL and other programs refuse those."""
    if isinstance(value, dict):
        return {key: defined(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [defined(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def rounded(value: float | None, digits: int) -> float | None:
    """Return a figure with so many digits; None if it is not defined."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def shown(value: float | None, digits: int = 3) -> str:
    """Return a figure for people, also one that is not defined."""
    return "not defined" if value is None or not math.isfinite(value) else f"{value:.{digits}f}"
