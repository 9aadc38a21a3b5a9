import numpy as np
import pytest
from scipy.stats import chi2_contingency

from plpy.moment import Events
from plpy.without_model import newness, rise, surprise
from tests.unit.plpy.packs import NO_EVENTS, pack


def counted(**changes):
    """Return three posts with 10 likes of 100 views of long ago, but for changes."""
    columns = {f"post.decayed_{action}_count_{name}": [0, 0, 0] for action in ("like", "view")
               for name in ("1h", "6h", "1d", "3d", "7d")}
    columns |= {"post.decayed_like_count_30d": [10] * 3, "post.decayed_view_count_30d": [100] * 3}
    return pack(**columns | {f"post.decayed_{name}": values for name, values in changes.items()})


@pytest.mark.parametrize("counts", [(10, 100, 10, 1000), (3, 20, 400, 900), (0, 30, 5, 100), (7, 7, 50, 100)])
def test_surprise_is_the_root_of_the_likelihood_ratio(counts):
    likes, views, past_likes, past_views = counts
    table = [[likes, views - likes], [past_likes, past_views - past_likes]]
    expected = np.sqrt(chi2_contingency(table, correction=False, lambda_="log-likelihood")[0])
    sign = 1 if likes / views > past_likes / past_views else -1
    assert surprise(*(np.array([float(count)]) for count in counts)) == pytest.approx([sign * expected])


def test_nothing_new_is_no_surprise():
    rises = rise(counted(), NO_EVENTS, 3600, "1d")
    assert rises == pytest.approx([0, 0, 0]) and not np.signbit(rises).any()
    as_before = counted(like_count_1d=[2, 1, 5], view_count_1d=[20, 20, 20])
    falling, rising = rise(as_before, NO_EVENTS, 0, "1d")[1:]
    assert falling < 0 < rising


def test_events_since_the_cut_off_count_with_their_age():
    likes = Events(np.array([0, 1]), np.array([3600.0, 7200.0]), np.zeros(2), np.array([3.0, 3.0]), np.zeros(2))
    older, newer, none = rise(counted(), likes, 7200, "1h")
    assert newer > older > 0 == pytest.approx(none)


def test_the_newest_are_the_youngest_and_the_undated_last():
    dated = pack(**{"post.age_days": [3, np.nan, -0.5], "post.days_since_event": [0, np.nan, np.nan]})
    assert newness(dated, NO_EVENTS, 86400) == pytest.approx([-4, -36_500, -0.5])
