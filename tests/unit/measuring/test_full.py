"""What the full protocol says where only chance hits."""

from types import SimpleNamespace

import numpy as np
import pytest

from loader.measuring.full import why_without_hits
from loader.metrics import Ranking
from plpy.pack import Pack

DAY = "2021-12-10"
REQUESTS = [SimpleNamespace(targets=np.array([3, 9])), SimpleNamespace(targets=np.array([9]))]


def ranking(*places):
    return Ranking(np.arange(len(places)), [np.array(each) for each in places], np.ones(len(places), int))


def why(views, model, popular):
    ids = np.arange(1, 11)
    pack = Pack(ids, [], np.zeros(10, np.int32),
        {"post.view_count": np.array([views.get(i, np.nan) for i in ids], np.float32)})
    return why_without_hits({"model": model, "random": ranking([0], [1]), "most popular": popular}, REQUESTS, pack, DAY)


@pytest.mark.parametrize(("views", "model", "popular", "words"), [
    ({}, ranking([8], [9]), ranking([9], [7]), "none of the 2 posts liked from 2021-12-10 on was viewed before"),
    ({3: 0, 9: 0}, ranking([8], [9]), ranking([9], [7]), "none of the 2 posts"),
    ({3: 5}, ranking([8], [6]), ranking([9], [5]),
        "1 of the 2 posts liked from 2021-12-10 on were viewed before, and all is frozen there; the best of them is"
        " in place 6 of 10"),
    ({3: 5, 9: 1}, ranking([8], [6]), ranking([9], [7]), "2 of the 2 posts"),
])
def test_the_reason_is_said(views, model, popular, words):
    assert words in why(views, model, popular)


@pytest.mark.parametrize(("model", "popular"),
    [(ranking([4], [9]), ranking([9], [9])), (ranking([9], [9]), ranking([9], [0]))])
def test_where_something_hits_there_is_nothing_to_explain(model, popular):
    assert why({3: 5}, model, popular) is None
