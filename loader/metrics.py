"""How good a ranking is: hit rate, AUC, NDCG, recall, and the interval of a mean."""

from dataclasses import dataclass, field

import numpy as np

TOP = 5
BOOTSTRAP_ROUNDS = 1000


def bootstrap(values: np.ndarray, user_ids: np.ndarray, seed: int = 0) -> tuple[float, float, float]:
    """Return the mean of values (one per user-day) and its 95% percentile interval over resampled users."""
    _, user = np.unique(user_ids, return_inverse=True)
    sums, counts = np.bincount(user, values), np.bincount(user).astype(float)
    draws = np.random.default_rng(seed).poisson(1.0, (BOOTSTRAP_ROUNDS, len(sums))).astype(np.float32)
    means = (draws @ sums) / np.maximum(draws @ counts, 1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def compact(numbers: np.ndarray) -> np.ndarray:
    """Return the numbers renumbered from 0 without gaps."""
    return np.unique(numbers, return_inverse=True)[1]


def best(scores: np.ndarray) -> np.ndarray:
    """Return the indices of the five best scores, ties to the first."""
    return np.argsort(-scores, kind="stable")[:TOP]


def hits(scores: np.ndarray, request: np.ndarray, is_liked: np.ndarray, tie_break: np.ndarray) -> np.ndarray:
    """Return for each request (numbered from 0 without gaps) whether its five best-scored rows hold a like."""
    order = np.lexsort((tie_break, -scores, request))
    request, liked = request[order], is_liked[order]
    starts = np.searchsorted(request, np.arange(request[-1] + 1))
    place = np.arange(len(request)) - starts[request]
    return np.bincount(request[(place < TOP) & liked], minlength=request[-1] + 1) > 0


def random_hits(request: np.ndarray, is_liked: np.ndarray) -> np.ndarray:
    """Return each request's probability that five of its rows drawn at random hold a like: hypergeometric."""
    shown = np.bincount(request)
    not_liked = shown - np.bincount(request, is_liked)
    miss = np.ones(len(shown))
    for drawn in range(TOP):
        miss *= np.clip(not_liked - drawn, 0, None) / (shown - drawn)
    return 1 - miss


def request_aucs(scores: np.ndarray, request: np.ndarray, is_liked: np.ndarray) -> np.ndarray:
    """Return the AUC of each request (numbered from 0 without gaps), NaN without both liked and other rows.

    By the Mann-Whitney statistic, ties count half; within a request the day and the user's level cancel out.
    """
    if not len(scores):
        return np.empty(0)
    order = np.lexsort((scores, request))
    scores, request, liked = scores[order], request[order], is_liked[order]
    starts = np.r_[True, (request[1:] != request[:-1]) | (scores[1:] != scores[:-1])]
    block = np.cumsum(starts) - 1
    block_rank = np.flatnonzero(starts) + (np.bincount(block) - 1) / 2
    first = np.searchsorted(request, np.arange(request[-1] + 1))
    rank = block_rank[block] - first[request] + 1
    positive = np.bincount(request, liked)
    negative = np.bincount(request) - positive
    both = (positive > 0) & (negative > 0)
    rank_sum = np.bincount(request, np.where(liked, rank, 0.0))
    aucs = np.full(len(positive), np.nan)
    aucs[both] = (rank_sum[both] - positive[both] * (positive[both] + 1) / 2) / (positive[both] * negative[both])
    return aucs


def request_auc(scores: np.ndarray, request: np.ndarray, is_liked: np.ndarray) -> float | None:
    """Return the mean of request_aucs() where it is defined, None if it is nowhere."""
    aucs = request_aucs(scores, request, is_liked)
    return float(np.nanmean(aucs)) if np.isfinite(aucs).any() else None


def log_loss(is_liked: np.ndarray, log_odds: np.ndarray) -> float:
    """Return the mean negative log-likelihood of labels under predicted log-odds."""
    return float(np.mean(np.logaddexp(0, log_odds) - is_liked * log_odds))


def places_of(scores: np.ndarray, targets: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Return the places of target rows by falling score, ties to the smaller row; excluded rows are not shown."""
    scores = np.array(scores, np.float64)
    scores[excluded] = -np.inf
    own = scores[targets]
    above = (scores[None, :] > own[:, None]).sum(axis=1)
    ties = (scores[None, :] == own[:, None]) & (np.arange(len(scores))[None, :] < targets[:, None])
    return above + ties.sum(axis=1)


def best_places(scores: np.ndarray, excluded: np.ndarray) -> np.ndarray:
    """Return the places of the five best scores, ties to the first; excluded places are not shown."""
    scores = np.array(scores, np.float64)
    scores[excluded] = -np.inf
    count = min(TOP, len(scores) - len(excluded))
    if count < 1:
        return np.empty(0, np.int64)
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    places = np.flatnonzero(scores >= least)
    return places[np.argsort(-scores[places], kind="stable")[:count]]


@dataclass
class Ranking:
    """Places (from 0) of the target posts among all posts that may be shown, best first; one array per request.

    shown: the rows of the five best posts of each request.
    """

    user_ids: np.ndarray
    places: list[np.ndarray]
    target_counts: np.ndarray
    shown: list[np.ndarray] = field(default_factory=list)

    def metrics(self) -> dict[str, np.ndarray]:
        """Return HitRate@5, NDCG@10 (binary, ideal over at most ten) and Recall@20 per request."""
        gains = 1 / np.log2(np.arange(10) + 2)
        ideal = np.cumsum(gains)[np.minimum(self.target_counts, 10) - 1]
        return {
            "HitRate@5": np.array([float((p < 5).any()) for p in self.places]),
            "NDCG@10": np.array([gains[p[p < 10]].sum() for p in self.places]) / ideal,
            "Recall@20": np.array([float((p < 20).sum()) for p in self.places]) / self.target_counts,
        }
