"""The dashboards to import: what they ask is there, as a login that may only read."""

import json
import re
from datetime import UTC

import pytest

from tests.db.conftest import ROOT

SUPERSET, GRAFANA = ROOT / "dashboards/superset", ROOT / "dashboards/grafana/pgfeed.json"
COLUMNS = """
    select a.attname, col_description(a.attrelid, a.attnum) from pg_attribute as a
    where a.attrelid = %s::regclass and a.attnum > 0 order by a.attnum
"""
CHARTS = [json.loads(path.read_text("utf-8")) for path in sorted((SUPERSET / "charts").glob("*.yaml"))]
DATASETS = {each["uuid"]: each for each in (
    json.loads(path.read_text("utf-8")) for path in (SUPERSET / "datasets").rglob("*.yaml")
)}
PANELS = json.loads(GRAFANA.read_text("utf-8"))["panels"]


def statement_of(chart: dict) -> str:
    """Return what Superset asks for a chart: its metrics by its columns."""
    params, dataset = chart["params"], DATASETS[chart["dataset_uuid"]]
    expressions = {each["metric_name"]: each["expression"] for each in dataset["metrics"]}
    names = [name for name in (params.get("x_axis"), *params.get("groupby", ())) if name]
    metrics = params.get("metrics") or [params["metric"]]
    asked = ", ".join([*names, *(f"{expressions[name]} as {name}_" for name in metrics)])
    numbers = ", ".join(str(number) for number in range(1, len(names) + 1))
    grouped = f" group by {numbers}" if names else ""
    return f"select {asked} from {dataset['schema']}.{dataset['table_name']}{grouped}"


@pytest.fixture
def reading(network):
    """A function that runs one statement in the network, of which a list was liked, as a reader."""
    network("insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)"
            " select e.event_at - interval '1 minute', e.user_id, 'control', 'model', now(), array[e.post_id, 3]"
            " from pgfeed.feed_events as e where e.post_id <> 3 limit 20")
    network("call pgfeed.roll_up_events()")
    network("call pgfeed.refresh_recommendations('2021-12-13 12:00+00')")
    network("set role pgfeed_reader")
    network("set timezone = 'Asia/Tokyo'")
    return network


def test_every_chart_shows_something_to_a_reader(reading):
    for dataset in DATASETS.values():
        columns = [(each["column_name"], each["description"]) for each in dataset["columns"]]
        assert columns == reading(COLUMNS, f"{dataset['schema']}.{dataset['table_name']}"), dataset["table_name"]
    for chart in CHARTS:
        rows = reading(statement_of(chart))
        assert rows and rows[0][-1] is not None, chart["slice_name"]
    for panel in PANELS:
        for target in panel["targets"]:
            rows = reading(re.sub(r"\$__timeFilter\((.*?)\)", r"\1 is not null", target["rawSql"]))
            assert rows and rows[0][-1] is not None, panel["title"]
            if " as time" in target["rawSql"] and "day::" in target["rawSql"]:
                assert all(row[0].astimezone(UTC).hour == 0 for row in rows), panel["title"]


def test_a_dashboard_names_the_charts_that_there_are():
    dashboard = json.loads((SUPERSET / "dashboards/pgfeed.yaml").read_text("utf-8"))
    shown = {each["meta"]["uuid"] for key, each in dashboard["position"].items() if key.startswith("CHART-")}
    assert shown == {chart["uuid"] for chart in CHARTS}
    database = json.loads((SUPERSET / "databases/pgfeed.yaml").read_text("utf-8"))
    assert {each["database_uuid"] for each in DATASETS.values()} == {database["uuid"]}
    assert [panel["title"] for panel in PANELS] == [
        next(chart["slice_name"] for chart in CHARTS if chart["uuid"] == each["meta"]["uuid"])
        for key, each in dashboard["position"].items() if key.startswith("CHART-")
    ]
