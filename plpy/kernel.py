"""The sums of Tables by plpy/preload/sum_cells.c, in sessions that were started with it."""

import ctypes
import sys

import numpy as np


def c_function(path=None):
    """Return the function of a library, None: of those that the process has; None: it has none."""
    function = getattr(ctypes.CDLL(path), "pgfeed_sum_cells_2", None)
    if function is not None:
        function.argtypes, function.restype = [ctypes.c_ssize_t] * 21, ctypes.c_ssize_t
    return function


def act_on_interrupts():
    """Let PostgreSQL act: a cancel raises."""
    sys.modules["plpy"].execute("select 1")


sum_cells = c_function()
is_interrupted = ctypes.cast(getattr(ctypes.CDLL(None), "InterruptPending", 0), ctypes.c_void_p).value or 0


def terms(firsts, steps):
    """Return which tables are added up.

    firsts: where they begin; steps: for each, places of features and what each of their bins adds to a cell, uint16.
    """
    places, added = zip(*(each for of_table in steps for each in of_table))
    return (
        np.array(firsts, np.int64), np.cumsum([len(each) for each in steps], dtype=np.int64),
        np.array(places, np.int64), starts_of(added), np.concatenate(added),
    )


class Kernel:
    """What the C function needs of Tables with values of both; values: float32 arrays, those of posts by feature."""

    def __init__(self, tables):
        features = tables.of_both
        self.all = terms(tables.firsts, [
            [(features.index(feature), tables.steps_of(group, feature)) for feature in tables.both_of.get(number, ())]
            for number, group in enumerate(tables.groups)
        ])
        grids = [tables.grids[feature] for feature in features]
        edges = [grid.edges for grid in grids]
        self.borders = (
            np.concatenate(edges), starts_of(edges),
            np.array([(grid.low, grid.scale) for grid in grids], np.float32),
            np.array([[*grid.below, len(grid.edges)] for grid in grids], np.int32),
            np.array([tables.bins(feature, np.float32([np.nan])) for feature in features], np.uint16),
        )

    def direct(self, cells, tables, values, terms=None):
        """Return the sums for posts in these cells, (terms, posts); None: all groups."""
        shape = len(values), cells.shape[1]
        arrays = [
            np.array(values, np.float32).reshape(shape), *self.borders, np.empty(shape, np.uint16),
            np.ascontiguousarray(cells), tables, *(terms or self.all), np.zeros(shape[1]),
        ]
        at = [array.ctypes.data for array in arrays]
        at = shape[1], is_interrupted, shape[0], at[0], self.borders[3].shape[-1] - 3, *at[1:7], len(cells), *at[7:]
        done = 0
        while (done := sum_cells(done, *at)) < shape[1]:
            act_on_interrupts()
        return arrays[-1]


def starts_of(arrays):
    """Return where each begins when they are one after the other."""
    return np.cumsum([0, *map(len, arrays)], dtype=np.int64)[:-1]
