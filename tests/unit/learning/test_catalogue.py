"""Feeds that a model which chooses from the whole catalogue cannot learn from."""

import numpy as np
import pytest

from loader.errors import PgfeedError
from loader.learning import catalogue
from loader.metrics import Ranking


def test_a_feed_in_which_only_new_posts_are_liked_is_refused_in_one_sentence(monkeypatch):
    with pytest.raises(PgfeedError, match="too little to learn from"):
        catalogue.load_choices(None, [], catalogue.FEATURES, {}, 30, "nothing")
    nothing = Ranking(np.array([]), [], np.array([]))
    monkeypatch.setattr(catalogue, "requests_until", lambda *_: [1])
    monkeypatch.setattr(catalogue, "next_likes", lambda *_: [1])
    keys = catalogue.hiding(dict.fromkeys(catalogue.PRIORS))
    monkeypatch.setattr(catalogue, "rank_all", lambda *_: dict.fromkeys(keys, nothing))
    likes = catalogue.Likes(*np.zeros((4, 1)))
    with pytest.raises(PgfeedError, match="new on that day"):
        catalogue.choose(None, likes, catalogue.FEATURES, {}, 30, 1.0, None)
