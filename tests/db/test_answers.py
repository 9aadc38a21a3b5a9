"""The row of health() about what was answered: fallbacks, and the hit rate beside its own past."""

import pytest

from tests.db.test_health import probes

ANSWERS = """
    insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)
    select now() - interval '2 hours' - d * interval '1 day' - n * interval '1 second', n, '{variant}',
        case when n % 100 < {fallbacks} then 'popular' else 'model' end, now(), '{{1,2}}'
    from generate_series({first}, {last}) as d, generate_series(1, {count}) as n
"""
LIKES = """
    insert into pgfeed.feed_events (event_at, user_id, post_id, action)
    select x.served_at + interval '1 minute', x.user_id, 2, 'like' from pgfeed.exposures as x
    where x.user_id % 100 < case when x.served_at > now() - interval '1 day' then {new} else 40 end
"""

pytestmark = pytest.mark.usefixtures("durable")


def served(network, fallbacks: int = 0, new: int = 40, variant: str = "control") -> tuple:
    """Serve 100 answers a day for a week and 300 today, of these so many in a hundred fallbacks, and so many liked."""
    network(ANSWERS.format(variant=variant, fallbacks=0, first=1, last=7, count=100))
    network(ANSWERS.format(variant=variant, fallbacks=fallbacks, first=0, last=0, count=300))
    network(LIKES.format(new=new))
    return probes(network)["answers"]


@pytest.mark.parametrize(("fallbacks", "new", "status", "words"), [
    (0, 40, "ok", "of 300 answers of a day until"), (3, 40, "ok", "40.0% were liked"),
    (10, 40, "warn", "10% of the answers of models are a fallback"),
    (30, 40, "fail", "30% of the answers of models are a fallback"),
    (0, 36, "ok", "were liked"), (0, 24, "warn", "the hit rate fell from 0.400"),
    (0, 10, "fail", "the hit rate fell from 0.400"),
])
def test_silent_faults(network, fallbacks, new, status, words):
    found = served(network, fallbacks, new)
    assert found[0] == status and words in found[1]
    assert (status == "ok") == (found[2] is None)


def test_a_variant_without_a_model_does_not_fall_back(network):
    assert served(network, 30, variant="popular")[0] == "ok"


def test_few_answers_say_nothing(network):
    assert "answers" not in probes(network)
    network(ANSWERS.format(variant="control", fallbacks=100, first=0, last=0, count=49))
    assert "answers" not in probes(network)
