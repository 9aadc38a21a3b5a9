"""The import of CatBoost in a session, without pandas: a form of input that serving has no use for."""

import sys
from types import ModuleType


def pandas_attribute(name):
    """Return an attribute of pandas, importing it."""
    import pandas

    return getattr(pandas, name)


class PandasType(type):
    """A type of pandas by name: asked about a value it needs pandas only if that is imported, called it imports it."""

    def __instancecheck__(cls, value):
        pandas = sys.modules.get("pandas")
        return pandas is not None and isinstance(value, getattr(pandas, cls.__name__))

    def __call__(cls, *arguments, **named):
        return pandas_attribute(cls.__name__)(*arguments, **named)


def import_catboost():
    """Return CatBoost, imported with a stand-in for pandas: half the memory of a session and of its first call.

    CatBoost still takes the DataFrames of other code in the session, which imports pandas itself.
    """
    if "catboost" not in sys.modules and "pandas" not in sys.modules:
        stand_in = ModuleType("pandas")
        for name in ("DataFrame", "Series"):
            setattr(stand_in, name, PandasType(name, (), {}))
        stand_in.__getattr__ = pandas_attribute
        sys.modules["pandas"] = stand_in
        try:
            import catboost
        finally:
            del sys.modules["pandas"]
    import catboost

    return catboost
