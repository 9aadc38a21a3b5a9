"""The import of CatBoost in a session, without pandas and scipy: forms of input that serving has no use for."""

import sys
from importlib import import_module
from types import ModuleType

SKIPPED = {
    "pandas": ("DataFrame", "Series"),
    "scipy": (),
    "scipy.sparse": (
        "spmatrix", "csr_matrix", "csc_matrix", "coo_matrix", "bsr_matrix", "dok_matrix", "lil_matrix", "dia_matrix",
    ),
}


class ForeignType(type):
    """A type of a skipped module: asked about a value it needs it only if that is imported, called it imports it."""

    def __instancecheck__(cls, value):
        found = getattr(sys.modules.get(cls.__module__), cls.__name__, cls)
        return found is not cls and isinstance(value, found)

    def __call__(cls, *arguments, **named):
        return getattr(import_module(cls.__module__), cls.__name__)(*arguments, **named)


def stand_in(name):
    """Return a module of that name with the skipped types; asked for anything else it makes way for the real one."""
    module = ModuleType(name)
    for kind in SKIPPED[name]:
        setattr(module, kind, ForeignType(kind, (), {"__module__": name}))

    def real_attribute(attribute):
        make_way(module)
        return getattr(import_module(name), attribute)

    module.__getattr__ = real_attribute
    return module


def make_way(module):
    """Let the next import of a stand-in's name import the real module."""
    if sys.modules.get(module.__name__) is module:
        del sys.modules[module.__name__]


def import_catboost():
    """Return CatBoost, imported with stand-ins for pandas and scipy.

    That takes two thirds off a session's memory and first call. CatBoost still takes the DataFrames and sparse matrices
    of other code in the session, which imports their modules itself.
    """
    if "catboost" not in sys.modules and not any(name in sys.modules for name in SKIPPED):
        modules = {name: stand_in(name) for name in SKIPPED}
        modules["scipy"].sparse = modules["scipy.sparse"]
        sys.modules |= modules
        try:
            import catboost
        finally:
            for module in modules.values():
                make_way(module)
    import catboost

    return catboost
