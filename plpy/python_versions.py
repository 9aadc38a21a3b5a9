"""The body of pgfeed._python_versions: what the server's Python has of what serving needs."""

import importlib
import sys

PACKAGES = ("numpy", "catboost")


def imported(plpy, name):
    """Return a package; CatBoost as serving imports it, without pandas and scipy."""
    if name != "catboost":
        return importlib.import_module(name)
    plpy.execute("select pgfeed._library()")  # which needs numpy
    from plpy.import_catboost import import_catboost

    return import_catboost()


def _python_versions(plpy):
    """Return the versions of Python and the packages as one line; a package that cannot be imported is an error."""
    versions = [f"Python {sys.version.split()[0]}"]
    for name in PACKAGES:
        try:
            versions.append(f"{name} {imported(plpy, name).__version__}")
        except ImportError as error:
            plpy.error(
                f"the server's Python cannot import {name}: {error}", hint="Run: pgfeed install server",
                sqlstate="55000",
            )
    return ", ".join(versions)
