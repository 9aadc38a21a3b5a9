"""Beside accuracy: how much of the catalogue lists use, how various, how new and how popular their posts are."""

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.measuring.results import BIAS, NOVELTY, VARIETY
from loader.metrics import Ranking
from loader.simulation.served import distances_within
from plpy.pack import Pack


class Yardstick:
    """What lists of a catalogue are measured by; counts and percentiles: of the posts' views, or likes without any."""

    def __init__(self, connection: Connection, pack: Pack):
        self.connection, self.pack = connection, pack
        views = pack.columns["post.view_count"]
        counts = (views if views.any() else pack.columns["post.like_count"]).astype(np.float64)
        self.surprise = -np.log2((counts + 1) / (counts.sum() + len(counts)))
        ordered = np.sort(counts)
        below, until = (np.searchsorted(ordered, counts, side) for side in ("left", "right"))
        self.percentiles = (below + until) / 2 / len(counts)

    def coverage(self, ranking: Ranking) -> float:
        """Return the share of the catalogue that is in any of the lists."""
        return len(np.unique(np.concatenate(ranking.shown))) / len(self.pack)

    def measures(self, ranking: Ranking, liked: list[np.ndarray]) -> dict[str, np.ndarray]:
        """Return the metrics of each list; liked: places in the pack of what its user liked before."""
        return {
            VARIETY: self.variety(ranking.shown),
            NOVELTY: np.array([self.surprise[shown].mean() for shown in ranking.shown]),
            BIAS: np.array([
                self.percentiles[shown].mean() - self.percentiles[own].mean() if len(own) else np.nan
                for shown, own in zip(ranking.shown, liked)
            ]),
        }

    def variety(self, lists: list[np.ndarray]) -> np.ndarray:
        """Return the mean distance of two posts of each list: by embeddings; where there are none, by topic."""
        number = np.repeat(np.arange(len(lists)), [len(each) for each in lists])
        distances = distances_within(self.connection, number, self.pack.post_ids[np.concatenate(lists)])
        if np.isfinite(distances).any():
            return distances
        topics = [self.pack.topic_codes[each] for each in lists]
        return np.array([
            (own[:, None] != own[None, :]).sum() / (len(own) * (len(own) - 1)) if len(own) > 1 else np.nan
            for own in topics
        ])
