"""How posts compare with the rest of the catalogue: view ratio and quality, and the catalogue's side of both."""

import numpy as np

from plpy.columns import RELATIVE_COLUMNS

GROUP_PRIOR_VIEWS = 100
QUALITIES = np.exp(np.linspace(np.log(0.3), np.log(2.5), 50))
QUALITY_ROUNDS = 60


class Scale:
    """What a pack's posts are compared with.

    mean_views: of the posts with views; popularity_rates: the likes per view of the posts that are not, are popular,
    which means more views than the mean; effective_rates: the same per effective view; group_rates: these by topic,
    float64 (topics + 1, 2), the last topic for none; qualities: how the qualities of posts are distributed in both, on
    the grid QUALITIES, float32 (2, grid).
    """

    def __init__(self, mean_views, popularity_rates, qualities, group_rates, effective_rates):
        self.mean_views, self.popularity_rates, self.effective_rates = mean_views, popularity_rates, effective_rates
        self.qualities, self.group_rates = qualities, group_rates

    @classmethod
    def of(cls, pack):
        """Return the scale of a pack's own posts."""
        views, likes = view_and_like_counts(pack)
        mean_views = views[views > 0].mean() if views.any() else 1.0
        effective = effective_view_counts(pack)
        popular, groups = (views > mean_views).astype(np.int64), len(pack.topics) + 1
        group = pack.topic_codes % groups * 2 + popular

        def rates(number, count, views):
            liked, viewed = (np.bincount(number, values, count) for values in (likes, views))
            return (liked + GROUP_PRIOR_VIEWS * overall_like_rate(views, likes)) / (viewed + GROUP_PRIOR_VIEWS)

        group_rates = rates(group, groups * 2, effective)
        expected = group_rates[group] * effective
        qualities = [quality_shares(likes[popular == half], expected[popular == half]) for half in (0, 1)]
        by_popularity = rates(popular, 2, views), rates(popular, 2, effective)
        return cls(mean_views, by_popularity[0], np.stack(qualities), group_rates.reshape(groups, 2), by_popularity[1])

    def with_topics(self, pack, count):
        """Return the scale for so many topics: those that are not among its pack's have the like rate of all posts."""
        like_rate = overall_like_rate(effective_view_counts(pack), view_and_like_counts(pack)[1])
        new = np.full((count + 1 - len(self.group_rates), 2), like_rate)
        group_rates = np.concatenate([self.group_rates[:-1], new, self.group_rates[-1:]])
        return Scale(self.mean_views, self.popularity_rates, self.qualities, group_rates, self.effective_rates)


def overall_like_rate(views, likes):
    """Return the likes of a view, of what posts have of both."""
    return (likes.sum() + 0.1) / (views.sum() + 1)


def view_and_like_counts(pack):
    """Return the views, at least as many as the likes, and the likes of a pack's posts, float64."""
    likes = pack.columns["post.like_count"].astype(np.float64)
    return np.maximum(pack.columns["post.view_count"].astype(np.float64), likes), likes


def effective_view_counts(pack):
    """Return the views of a pack's posts by the effects of their places, at least as many as the likes, float64.

    A pack of v0.1.0 knows no places.
    """
    views, likes = view_and_like_counts(pack)
    return np.maximum(pack.columns.get("post.effective_view_count", views).astype(np.float64), likes)


def quality_likelihoods(likes, expected):
    """Return the likelihood of each post's likes, Poisson, at each of QUALITIES, float32 (posts, grid).

    The best is at 1, the least e**-60.
    """
    logs = np.stack([likes, -expected], axis=1) @ np.stack([np.log(QUALITIES), QUALITIES])
    logs -= logs.max(axis=1, keepdims=True)
    return np.exp(np.maximum(logs, -60, out=logs).astype(np.float32))


def quality_shares(likes, expected):
    """Return the share of posts at each of QUALITIES, float32 (grid,), by maximum likelihood.

    Nonparametric empirical Bayes (Robbins 1956), by 60 rounds of EM (Laird 1978) from equal shares.
    """
    shares = np.full(len(QUALITIES), 1 / len(QUALITIES), np.float32)
    likelihoods = quality_likelihoods(likes, expected)
    for _ in range(QUALITY_ROUNDS if len(likes) else 0):
        shares = shares * (likelihoods.T @ (1 / (likelihoods @ shares))) / np.float32(len(likes))
        shares = np.float32(0.999) * shares + np.float32(0.001 / len(shares))
    return shares


def relative_columns(pack):
    """Return float32 columns that compare each post with the catalogue, so that they mean the same on any day.

    view_ratio: views over the mean of the viewed posts. quality: the like rate to be expected after the post's topic,
    effective views and likes, over that of the posts that are popular, or are not, as it is.
    """
    scale, (views, likes) = pack.scale, view_and_like_counts(pack)
    rates = scale.group_rates[pack.topic_codes, pack.is_popular]
    expected = rates * effective_view_counts(pack)
    weights = quality_likelihoods(likes, expected) * scale.qualities[pack.is_popular]
    quality = rates / scale.effective_rates[pack.is_popular] * (weights @ QUALITIES) / weights.sum(axis=1)
    columns = (views / scale.mean_views).astype(np.float32), quality.astype(np.float32)
    return dict(zip(RELATIVE_COLUMNS, columns))


def pack_relative(pack):
    """Return a pack's scale and relative columns as bytes: big-endian float8, in the order of unpack_relative().

    A revision that changes what they are must clear what was packed.
    """
    scale = pack.scale
    numbers = [scale.mean_views, scale.popularity_rates, scale.qualities, scale.group_rates]
    numbers += [*(pack.columns[name] for name in RELATIVE_COLUMNS), scale.effective_rates]
    return np.concatenate([np.ravel(each) for each in numbers]).astype(">f8").tobytes()


def unpack_relative(blob, topic_count, post_count):
    """Return what pack_relative() packed: the scale and the columns, see relative_columns()."""
    groups, grid = topic_count + 1, len(QUALITIES)
    ends = np.cumsum([1, 2, 2 * grid, 2 * groups, post_count, post_count])
    numbers = np.split(np.frombuffer(blob, ">f8").astype(np.float64), ends)
    qualities = numbers[2].reshape(2, grid).astype(np.float32)
    effective_rates = numbers[6] if len(numbers[6]) else numbers[1]  # v0.1.0 packed none
    scale = Scale(numbers[0][0], numbers[1], qualities, numbers[3].reshape(groups, 2), effective_rates)
    return scale, {name: values.astype(np.float32) for name, values in zip(RELATIVE_COLUMNS, numbers[4:6])}
