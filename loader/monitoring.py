"""The rows of health() in the formats that Prometheus reads."""

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily

HEALTH = "select name, status, figures from pgfeed.health()"
STATUSES = ("ok", "warn", "fail")
FIGURES = {
    "answers_fallback_ratio": "Share of the answers of models in the last day that none gave.",
    "answers_hit_ratio": "Share of the answers of the last day of which a post was liked within the hour.",
    "answers_hit_ratio_before": "That of the week before.",
    "batch_age_seconds": "Age of the last batch of recommendations.",
    "batch_users": "Users of the newest batch of recommendations.",
    "batch_users_done": "Users of the newest batch who have their list.",
    "broken_indexes": "Indexes that are missing or invalid.",
    "catalogue_loss_ratio": "Share of the posts that are gone since the refreshes of the last 7 days.",
    "catalogue_served_ratio": "Share of the catalogue in the lists of the last 7 days.",
    "database_size_bytes": "Size of the database.",
    "default_partition_events": "Events in the default partition of feed_events.",
    "embedded_posts": "Posts with a vector of the active embedder.",
    "event_partitions": "Months that have a partition of feed_events.",
    "events_age_seconds": "Age of the newest event.",
    "experiment_age_seconds": "Age of the running experiment.",
    "failed_jobs": "Kinds of jobs whose last one failed at all attempts.",
    "failed_steps": "Steps of tick() that failed the last time.",
    "features_age_seconds": "Age of the last refresh.",
    "features_lag_seconds": "From the cut-off of the features to the newest rolled-up event.",
    "feed_events_size_bytes": "Size of feed_events with its indexes.",
    "last_refresh_duration_seconds": "How long the last refresh took.",
    "long_transactions": "Transactions that have been open for an hour.",
    "longest_transaction_seconds": "Age of the oldest of them.",
    "model_age_seconds": "Since the active model was trained.",
    "model_lag_seconds": "From the day until which it was trained to the one until which training would go now.",
    "model_version": "The active version.",
    "posts": "Posts of the catalogue.",
    "posts_without_embedding": "Posts with a text and without a vector of the active embedder.",
    "recommend_duration_seconds": "How long the probe's own call of recommend_posts took.",
    "recommended_posts": "Posts that the probe's own call gave.",
    "refresh_running_seconds": "Age of the running refresh or roll-up; 0: none.",
    "refreshes_waiting": "Refreshes that wait for the running one.",
    "refused_in_a_row": "Challengers of a variant that the gate refused since one served.",
    "training_running_seconds": "Age of the training that runs in a session; 0: none.",
    "training_memory_limit_bytes": "What a training in a session may take.",
    "rejected_rows": "Rows that ingest could not load.",
    "rejected_rows_7_days": "Those of the last 7 days.",
    "rolled_up_days": "Days with events in the roll-ups.",
    "rolled_up_likes": "Likes in the roll-ups.",
    "rolled_up_views": "Views in the roll-ups.",
    "running_experiments": "Experiments that run, at most 1.",
    "served_lists": "Lists of serve_posts in the last 7 days; of very many a sample.",
    "served_posts": "Posts in these lists.",
    "shared_buffers_bytes": "The setting shared_buffers.",
    "shown_again_ratio": "Share of the places of these lists that show their user a post again.",
    "stale_days": "Days whose roll-ups are not up to date.",
    "ten_most_served_ratio": "Share of their places that the ten most served posts take.",
    "tick_age_seconds": "Since tick() ended.",
    "trained_age_seconds": "Since a variant that has a schedule was trained.",
    "waiting_events": "Events that were not rolled up yet; counted until 100,000.",
    "waiting_jobs": "Jobs that no worker is at.",
    "waiting_jobs_seconds": "How long the oldest of them could have been taken.",
    "waiting_seconds": "How long the oldest of them has waited.",
    "work_mem_bytes": "The setting work_mem.",
}
THRESHOLD = "A threshold of health(), see pgfeed.thresholds()."


def families(rows: Iterable[dict] | None) -> Iterator[GaugeMetricFamily]:
    """Yield a metric for each figure of the rows of health(), those of models with a label; rows None: no answer."""
    yield GaugeMetricFamily("pgfeed_up", "Whether health() of the database answers.", rows is not None)
    if rows is None:
        return
    about_status = "What a probe of health() says: 0 ok, 1 warn, 2 fail."
    status = GaugeMetricFamily("pgfeed_probe_status", about_status, labels=["probe"])
    figures: dict[str, GaugeMetricFamily] = {}
    for row in rows:
        status.add_metric([row["name"]], STATUSES.index(row["status"]))
        kind, _, variant = row["name"].partition(" ")
        labels = {"variant": variant} if kind in ("model", "schedule", "decisions") and variant else {}
        about = THRESHOLD if row["name"] == "thresholds" else ""
        for name, value in (row["figures"] or {}).items():
            family = GaugeMetricFamily(f"pgfeed_{name}", FIGURES.get(name, about), labels=list(labels))
            family = figures.setdefault(name, family)
            family.add_metric(list(labels.values()), value)
    yield status
    yield from figures.values()


class Snapshot:
    """What health() said once, as a collector."""

    def __init__(self, rows: list[dict] | None) -> None:
        self.rows = rows

    def collect(self) -> Iterator[GaugeMetricFamily]:
        return families(self.rows)


def exposition(rows: list[dict] | None, accepted: str) -> tuple[bytes, str]:
    """Return the metrics and their content type: OpenMetrics if the client accepts it, else Prometheus's text."""
    encode, content_type = choose_encoder(accepted)
    registry = CollectorRegistry()
    registry.register(Snapshot(rows))
    return encode(registry), content_type
