"""The same training on 114 real users and on 114 simulated ones: `./run bench slice`."""

import sys

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.data import refresh
from loader.data.ingest import ingest
from loader.data.sources import open_sources
from loader.errors import PgfeedError
from loader.learning import registry, split, train
from loader.learning.model import Model, predict
from loader.measuring import logged
from loader.measuring.results import Result
from loader.metrics import request_auc
from loader.server.remedies import told
from loader.simulation import simulate
from loader.terminal import out, table
from tests.bench import data_folder, temporary_database

USERS = 114
SEEDS = (1, 2, 3, 4, 5)


def held_out_aucs(connection: Connection, model: Model) -> tuple[float, float]:
    """Return the AUC over all held-out views and the mean AUC within a user-day."""
    from sklearn.metrics import roc_auc_score

    held_out = logged.load_held_out(connection, split.load(connection), model.feature_names, model.encoders)
    rows = logged.with_enough_views(held_out)
    scores = predict(model.booster, rows.features)
    return roc_auc_score(rows.is_liked, scores), request_auc(scores, rows.request, rows.is_liked)


def measure(connection: Connection) -> tuple[list[Result], tuple[float, float]]:
    """Train control on the database's users and evaluate it on the held-out days."""
    with connection, connection.cursor() as cursor:
        # What the real slice lacks: profiles and most texts.
        cursor.execute("delete from pgfeed.users")
        cursor.execute("update pgfeed.posts set text = null")
    refresh.refresh(connection)
    registry.activate(connection, "control", registry.store(connection, "control", train.train(connection, "control")))
    model = registry.load_active(connection, "control")
    hit_rates = [r for r in logged.evaluate(connection, model).results if r.metric == logged.HIT_RATE]
    return hit_rates, held_out_aucs(connection, model)


def cells(results: list[Result]) -> dict[str, str]:
    return {r.method: f"{r.value:.3f} ({r.low:.3f}-{r.high:.3f})" for r in results}


def main() -> None:
    folder = data_folder("karpov")
    with temporary_database("real") as connection:
        list(
            ingest(connection, open_sources([str(folder / "post_topics.csv"), str(folder / "feed_data_114_users.csv")]))
        )
        real, real_aucs = measure(connection)
    simulated, aucs = [], []
    for seed in SEEDS:
        with temporary_database(f"world{seed}") as connection:
            simulate.simulate(connection, USERS, seed)
            results, both = measure(connection)
            simulated.append({r.method: r.value for r in results})
            aucs.append(both)
    rows = [("user-days", real[0].sample_count, "", "")]
    for method, text in cells(real).items():
        values = [values[method] for values in simulated]
        rows.append((f"HitRate@5, {method}", text, f"{np.mean(values):.3f}", f"{min(values):.3f} to {max(values):.3f}"))
    for number, name in enumerate(("AUC of all views", "AUC within a user-day")):
        values = [both[number] for both in aucs]
        rows.append(
            (name, f"{real_aucs[number]:.3f}", f"{np.mean(values):.3f}", f"{min(values):.3f} to {max(values):.3f}")
        )
    out.print(table(f"{USERS} complete users, without profiles and texts",
                    ["held-out days", "real (95%)", "simulated", "5 seeds"], rows))


if __name__ == "__main__":
    try:
        main()
    except PgfeedError as error:
        sys.exit(told(f"error: {error}"))
