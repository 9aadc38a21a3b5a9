"""CatBoost in a session, without pandas and scipy."""

import os
import subprocess
import sys

import pytest


def test_catboost_is_imported_without_pandas_and_scipy_and_still_takes_their_types():
    script = """
import sys, numpy
from plpy.import_catboost import import_catboost
catboost = import_catboost()
assert import_catboost() is catboost
model = catboost.CatBoost({'iterations': 2, 'allow_writing_files': False, 'verbose': 0}).fit([[0], [1]], [0, 1])
numbers = model.predict(numpy.float32([[0], [1]]))
model.get_feature_importance(catboost.Pool([[0], [1]]), type='ShapValues')
assert not {'pandas', 'scipy'} & {name.split('.')[0] for name in sys.modules}
import pandas, scipy.sparse
frame = pandas.DataFrame({'0': [0, 1]})
assert (model.predict(frame) == numbers).all()
model.fit(frame, pandas.Series([0, 1]))
assert catboost.Pool(frame).shape == (2, 1)
for kind in ('bsr', 'coo', 'csc', 'csr', 'dok', 'lil'):
    matrix = getattr(scipy.sparse, kind + '_matrix')(numpy.float32([[0], [1]]))
    assert (model.predict(matrix) == numbers).all()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.mark.parametrize("statement", [
    "from pandas import DataFrame, Timestamp; assert Timestamp(0).year == 1970", "import scipy.special",
    "from scipy.sparse import linalg",
    "import pandas; assert not hasattr(pandas, 'nothing')", "import pandas; assert not isinstance(3, pandas.DataFrame)",
])
def test_what_is_imported_along_with_catboost_may_use_the_real_modules(tmp_path, statement):
    (tmp_path / "catboost.py").write_text(statement)
    script = (
        "from plpy.import_catboost import import_catboost; import_catboost(); import pandas, scipy.sparse;"
        " assert pandas.__spec__ and scipy.sparse.__spec__"
    )
    subprocess.run([sys.executable, "-c", script], check=True,
                   env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, sys.path)])})
