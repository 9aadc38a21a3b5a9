"""The gate: what serves, what is refused and why, what is forced, what is taken back."""

import json
from contextlib import closing

import numpy as np
import psycopg2
import psycopg2.errors
import pytest
from catboost import sum_models

from loader import worker
from loader.learning import registry, train
from loader.measuring import gate
from loader.server import db
from tests.db.conftest import alembic, autocommit, queries
from tests.db.test_health import probes

DECISIONS = "select challenger, champion, decision, reasons from pgfeed.model_decisions order by decision_id"
ACTIVE = "select version from pgfeed.active_models where variant = 'control'"

pytestmark = pytest.mark.usefixtures("durable")


@pytest.fixture
def connection(network_dsn, monkeypatch):
    """A connection to the network; workers of this process work there too."""
    monkeypatch.setenv("PGFEED_DSN", network_dsn)
    with closing(db.connect()) as connection:
        yield connection


@pytest.fixture
def trained(connection):
    """A function that stores a version of control, by the usual training or of other labels or features."""

    def store(monkeypatch=None, labels=None) -> int:
        if labels is None:
            model = train.train(connection, "control", is_refitted=True)
        else:
            loaded = train.impressions.load

            def load(*arguments, **named):
                rows = loaded(*arguments, **named)
                rows.is_liked = labels(rows)
                return rows

            with monkeypatch.context() as patch:
                patch.setattr(train.impressions, "load", load)
                model = train.train(connection, "control", is_refitted=True)
        return registry.store(connection, "control", model)

    return store


def test_a_model_of_the_same_recipe_serves(network, connection, trained):
    version = trained()
    assert gate.decide(connection, "control", version) == ("served", "")
    assert network(DECISIONS) == [(2, 1, "served", [])] and network(ACTIVE) == [(2,)]
    figures, = network("select figures from pgfeed.model_decisions")[0]
    assert {(d["protocol"], d["metric"]) for d in figures["differences"]} >= {("logged", "AUC"), ("full", "NDCG@10")}
    assert figures["agreement"] > 0.5 and figures["drift"] < 1 and figures["slope"]["challenger"] > 0
    assert 0 < figures["slope_error"]["challenger"] < figures["slope"]["challenger"]
    for lists in figures["lists"].values():
        assert lists["lists"] == 60 and lists["empty_ratio"] == lists["fallback_ratio"] == 0 and lists["ms"] > 0
    assert figures["lists"]["challenger"]["topics_per_list"] == pytest.approx(
        figures["lists"]["champion"]["topics_per_list"], abs=0.3
    )
    # It is decided on once.
    assert gate.decide(connection, "control", version)[0] == "served"
    assert len(network(DECISIONS)) == 1
    assert network("call pgfeed.rollback_model('control')") == [(1,)]


def test_shuffled_labels_are_refused_and_can_be_forced(network, connection, trained, monkeypatch):
    version = trained(monkeypatch, lambda rows: np.random.default_rng(0).permutation(rows.is_liked))
    decision, why = gate.decide(connection, "control", version)
    assert decision == "refused" and "of what the champion's AUC has above chance it has less than half" in why
    assert network(ACTIVE) == [(1,)]
    assert probes(network)["decisions control"][0] == "ok"
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="control version 2 was refused: .*chance"):
        registry.activate(connection, "control", version)
    connection.rollback()
    assert registry.activate(connection, "control", version, is_forced=True) == 2
    assert network(DECISIONS)[1:] == [(2, 1, "served", [])] and network(ACTIVE) == [(2,)]
    assert network("select rule from pgfeed.model_decisions where decision_id = 2") == [("forced: none",)]


def test_a_model_whose_scores_are_all_the_same_is_refused(network, connection):
    constant = train.train(connection, "control")
    constant.booster = sum_models([constant.booster], weights=[0.0])
    decision, why = gate.decide(connection, "control", registry.store(connection, "control", constant))
    assert decision == "refused" and "all posts of a list have one score" in why


def test_inverted_labels_are_refused_for_more_than_one_reason(network, connection, trained, monkeypatch):
    version = trained(monkeypatch, lambda rows: ~rows.is_liked)
    decision, why = gate.decide(connection, "control", version)
    assert decision == "refused" and "clearly behind by AUC of logged" in why and "do not rise with likes" in why


def test_a_damaged_model_is_refused(network, connection, trained):
    version = trained()
    network("update pgfeed.models set golden_scores[1] = 9 where version = 2")
    decision, why = gate.decide(connection, "control", version)
    assert decision == "refused" and "golden sample" in why


def test_a_model_of_features_that_are_gone_is_refused(network, connection, trained):
    version = trained()
    network("update pgfeed.models set feature_names[1] = 'user.shoe_size' where version = 2")
    decision, why = gate.decide(connection, "control", version)
    assert (decision, why) == ("refused", "features that this database does not have: user.shoe_size")


def test_the_first_version_serves_if_its_lists_are_well(network, connection):
    version = registry.store(connection, "mine", train.train(connection, "control"))
    assert gate.decide(connection, "mine", version) == ("served", "")
    assert network("select challenger, champion, decision from pgfeed.model_decisions") == [(1, None, "served")]


def test_looking_at_lists_changes_nothing(network, network_dsn, trained):
    version = trained()
    before = network("select activation_id from pgfeed.active_models")
    figures, = network("select pgfeed._list_figures('control', %s, 5)", version)[0]
    assert figures["lists"] == 5 and network("select activation_id from pgfeed.active_models") == before
    network("update pgfeed.models set artifact = '\\x00' where version = 2")
    with autocommit(network_dsn) as fresh:
        figures, = queries(fresh)("select pgfeed._list_figures('control', %s, 5)", version)[0]
    assert figures.get("problem") or figures["fallback_ratio"] == 1


FINE = {
    "champion": 1, "problems": [], "slope": {"champion": 1, "challenger": 1.1},
    "slope_error": {"champion": 0.1, "challenger": 0.2}, "drift": 0.1, "agreement": 0.9,
    "not_finite_ratio": 0,
    "differences": [{"protocol": "logged", "metric": "AUC", "first": 0.6, "second": 0.59, "gain": -0.01, "low": -0.012,
                     "high": -0.007}],
    "off_policy": {"champion": {"value": 1.0, "low": 0.95, "high": 1.05},
                   "challenger": {"value": 0.92, "low": 0.87, "high": 0.97}},
    "lists": {name: {"ms": 5, "empty_ratio": 0, "fallback_ratio": 0, "constant_ratio": 0, "not_finite_ratio": 0,
                     "posts": 100, "topics_per_list": 4, "fresh_ratio": 0.2, "bytes": 1_000_000}
              for name in ("challenger", "champion")},
}


@pytest.mark.parametrize(("path", "value", "reason"), [
    (None, None, None),
    ("{differences,0,gain}", -0.013, "clearly behind by AUC of logged: -0.0130 (-0.0116 to -0.0047)"),
    ("{off_policy,challenger}", {"value": 0.8, "low": 0.75, "high": 0.85},
     "clearly behind by likes per list (off-policy): 0.8000, the champion 1.0000"),
    ("{off_policy}", {"not_judged": "nothing explored"}, None),
    ("{differences,0,second}", 0.54, "less than half: 0.540, 0.600"),
    ("{differences,0,low}", 0.2, "too good to be true"),
    ("{differences}", [], "it was not compared with the champion"),
    ("{problems}", ["its artifact is broken"], "its artifact is broken"),
    ("{slope,challenger}", -0.5, "do not rise with likes: calibration slope -0.50"),
    ("{slope,challenger}", 4, "calibration: where the champion's log-odds are to be multiplied by 1.00"),
    ("{slope,challenger}", 0.5, "nothing shows that its scores rise with likes: calibration slope 0.50, 2.5 standard"),
    ("{slope}", {"champion": 0.39, "challenger": -0.3}, None), ("{slope,challenger}", 0.55, None),
    ("{slope,challenger}", 3.2, None),
    ("{slope}", {"champion": None, "challenger": None}, None), ("{drift}", None, None), ("{agreement}", None, None),
    ("{drift}", 1.5, "population stability index 1.50"),
    ("{agreement}", 0.2, "correlation 0.20"),
    ("{not_finite_ratio}", 0.01, "scores are not finite"),
    ("{lists,challenger,not_finite_ratio}", 0.01, "scores are not finite"),
    ("{lists,challenger,problem}", "division by zero", "its lists cannot be made: division by zero"),
    ("{lists,challenger,constant_ratio}", 0.5, "all posts of a list have one score"),
    ("{lists,challenger,empty_ratio}", 0.5, "more lists are empty"),
    ("{lists,challenger,fallback_ratio}", 0.5, "more answers are a fallback"),
    ("{lists,challenger,ms}", 26, "a call takes 26.0 ms, the champion's 5.0"),
    ("{lists,challenger,bytes}", 17_000_000, "it has 17.0 MB, the champion 1.0"),
    ("{lists,challenger,posts}", 20, "coverage: its lists hold 20 posts, the champion's 100"),
    ("{lists,challenger,topics_per_list}", 1, "variety: its lists have 1.0 topics, the champion's 4.0"),
    ("{lists,challenger,fresh_ratio}", 0.01, "fresh posts have 1% of its places, 20% of the champion's"),
])
def test_each_guardrail_alone(query, path, value, reason):
    found, = query(
        "select pgfeed._gate_reasons(case when %s::text[] is null then %s::jsonb else"
        " jsonb_set(%s::jsonb, %s::text[], %s::jsonb) end, 0.02)",
        path, json.dumps(FINE), json.dumps(FINE), path, json.dumps(value),
    )[0]
    assert (found == []) if reason is None else (len(found) == 1 and reason in found[0])


def test_a_schedule_trains_decides_and_keeps_the_champion_for_a_share(network, connection):
    network("call pgfeed.set_schedule('control', train => '1 day', champion_share => 0.1)")
    network("call pgfeed.set_upkeep(embed => false)")
    network("update pgfeed.models set created_at = now() - interval '2 days'")
    assert list(worker.work(is_once=True)) == [(True, "train control: control version 2 is served")]
    assert network(ACTIVE) == [(2,)]
    assert network("""
        select a.arm, a.variant, a.version, a.weight from pgfeed.experiment_arms as a
        inner join pgfeed.experiments as e on e.experiment_id = a.experiment_id
        where e.name = 'gate_control_2' and e.started_at is not null and e.stopped_at is null order by a.number
    """) == [("champion", "control", 1, 1000), ("challenger", "control", None, 9000)]
    assert "version 1 keeps a share in the experiment gate_control_2" in probes(network)["decisions control"][1]
    served = "select distinct model_version from generate_series(1, 60) as u," \
        " pgfeed.recommend_posts(u, '2021-12-13 12:00+00') order by 1"
    assert network(served) == [(1,), (2,)]
    # A rollback reaches all users, and ends it.
    network("call pgfeed.rollback_model('control')")
    assert network(served) == [(1,)]
    network("call pgfeed.tick()")
    assert network("select stopped_at is not null from pgfeed.experiments") == [(True,)]


def test_the_champion_of_a_week_keeps_its_share_whatever_serves_meanwhile(network, connection, trained):
    network("call pgfeed.set_schedule('control', train => '30 days', champion_share => 0.5)")
    network("call pgfeed.set_upkeep(refresh => '300 days')")
    network("call pgfeed.tick()")
    for _ in range(2):
        assert gate.decide(connection, "control", trained()) == ("served", "")
    running = "select name from pgfeed.experiments where started_at is not null and stopped_at is null"
    assert network(running) == [("gate_control_2",)] and network(ACTIVE) == [(3,)]
    assert network(DECISIONS)[1][:2] == (3, 2)
    assert "version 1 keeps a share in the experiment gate_control_2" in probes(network)["decisions control"][1]
    served_with(network, True)
    network("call pgfeed.tick()")
    assert network(ACTIVE) == [(1,)] and network(running) == []
    assert network(DECISIONS)[2][:3] == (3, 1, "taken back")
    with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="no model was active for control before"):
        network("call pgfeed.rollback_model('control')")


def test_a_champion_that_came_meanwhile_is_what_it_is_measured_against(network, connection, trained, monkeypatch):
    versions = [trained(), trained()]
    measure = gate.trial

    def trial(connection, variant, version):
        figures = measure(connection, variant, version)
        network("call pgfeed.activate_model('control', %s)", versions[0])
        return figures

    monkeypatch.setattr(gate, "trial", trial)
    assert gate.decide(connection, "control", versions[1]) == ("served", "")
    assert network(DECISIONS) == [(3, 2, "served", [])]


def test_an_experiment_of_an_operator_ends_that_of_the_gate_and_keeps_it_from_starting(network, connection, trained):
    network("call pgfeed.set_schedule('control', train => '1 day')")
    gate.decide(connection, "control", trained())
    network("call pgfeed.create_experiment('try', '{control,random}')")
    network("call pgfeed.start_experiment('try')")
    running = "select name from pgfeed.experiments where stopped_at is null and started_at is not null"
    assert network(running) == [("try",)]
    assert gate.decide(connection, "control", trained()) == ("served", "")
    assert network(running) == [("try",)] and network(ACTIVE) == [(3,)]


def served_with(network, is_worse: bool) -> None:
    """Log an hour of answers of both arms, of which the challenger's are liked far less often, or not."""
    network("""
        insert into pgfeed.exposures (
            served_at, user_id, experiment_id, arm, variant, source, model_version, features_as_of, post_ids
        )
        select now() - interval '2 hours' + n * interval '1 second', u, e.experiment_id,
            case when u <= 2000 then 'champion' else 'challenger' end, 'control', 'model',
            case when u <= 2000 then 1 else 2 end, now(), array[n]
        from pgfeed.experiments as e, generate_series(1000, 3000) as u, generate_series(1, 3) as n
    """)
    network("update pgfeed.model_decisions set decided_at = now() - interval '1 day'")
    network("""
        insert into pgfeed.feed_events (event_at, user_id, post_id, action)
        select x.served_at + interval '1 minute', x.user_id, x.post_ids[1], 'like'
        from pgfeed.exposures as x
        where abs(hashint8(x.user_id * 7 + x.post_ids[1])) %% 100
            < case when %s and x.arm = 'challenger' then 20 else 40 end
    """, is_worse)


@pytest.mark.parametrize("is_worse", [True, False])
def test_a_clearly_worse_model_is_taken_back(network, connection, trained, is_worse):
    network("call pgfeed.set_schedule('control', train => '30 days', champion_share => 0.5)")
    network("call pgfeed.set_upkeep(refresh => '300 days')")
    network("call pgfeed.tick()")
    gate.decide(connection, "control", trained())
    served_with(network, is_worse)
    network("call pgfeed.tick()")
    assert network(ACTIVE) == [(1 if is_worse else 2,)]
    assert network("select stopped_at is not null from pgfeed.experiments") == [(is_worse,)]
    status, found, remedy = probes(network)["decisions control"]
    if is_worse:
        assert network(DECISIONS)[1][:3] == (2, 1, "taken back")
        assert status == "fail" and "its hit rate is clearly below the champion's: -" in found
        assert remedy.startswith("select reasons, figures from pgfeed.model_decisions")
        with pytest.raises(psycopg2.errors.ObjectNotInPrerequisiteState, match="was taken back"):
            registry.activate(connection, "control", 2)
        connection.rollback()
        network("call pgfeed.tick()")
        assert len(network(DECISIONS)) == 2
    else:
        assert status == "ok"
        network("update pgfeed.model_decisions set decided_at = now() - interval '8 days'")
        network("call pgfeed.tick()")
        assert network("select winner from pgfeed.experiments") == [("challenger",)]
        assert network(ACTIVE) == [(2,)]


def test_a_model_that_falls_back_is_taken_back(network, connection, trained):
    network("call pgfeed.set_schedule('control', train => '30 days', champion_share => 0)")
    gate.decide(connection, "control", trained())
    assert network("select from pgfeed.experiments") == []
    network("update pgfeed.model_decisions set decided_at = now() - interval '1 hour'")
    network("""
        insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)
        select now() - n * interval '1 second', n, 'control', case when n % 3 = 0 then 'popular' else 'model' end,
            now(), '{1}'
        from generate_series(1, 60) as n
    """)
    network("call pgfeed.tick()")
    assert network(ACTIVE) == [(1,)]
    assert network(DECISIONS)[1] == (2, 1, "taken back", [
        "33% of its answers are a fallback, of those before it 0%",
    ])


def test_new_users_in_a_feed_with_fallbacks_take_no_model_back(network, connection, trained):
    network("call pgfeed.create_feed('home', fallbacks => '{newest}')")
    network("call pgfeed.set_schedule('control', train => '30 days', champion_share => 0)")
    gate.decide(connection, "control", trained())
    network("update pgfeed.model_decisions set decided_at = now() - interval '1 hour'")
    network("""
        insert into pgfeed.exposures (
            served_at, user_id, variant, source, model_version, feed, features_as_of, post_ids
        )
        select now() - h * interval '1 hour' - n * interval '1 second', n, 'control',
            case when n % 3 = 0 then 'newest' else 'model' end, case when n % 3 <> 0 then 2 - sign(h) end, 'home',
            now(), '{1}'
        from generate_series(1, 60) as n, generate_series(0, 2) as h
    """)
    network("call pgfeed.tick()")
    assert network(ACTIVE) == [(2,)]
    # In the health of answers they are no fallback either.
    network("update pgfeed.exposures set served_at = served_at - interval '2 days'")
    assert probes(network)["answers"][0] == "ok"
    network("update pgfeed.exposures set model_version = 2")
    assert probes(network)["answers"][0] == "fail"


def test_the_champion_s_own_fallbacks_take_no_challenger_back(network, connection, trained):
    network("call pgfeed.set_schedule('control', train => '30 days', champion_share => 0.5)")
    gate.decide(connection, "control", trained())
    network("update pgfeed.model_decisions set decided_at = now() - interval '1 hour'")
    network("""
        insert into pgfeed.exposures (
            served_at, user_id, experiment_id, arm, variant, source, model_version, features_as_of, post_ids
        )
        select now() - n * interval '1 second', n, e.experiment_id, a.arm, 'control', a.source, a.version, now(), '{1}'
        from generate_series(1, 60) as n, pgfeed.experiments as e,
            (values ('champion', 'popular', 1), ('challenger', 'model', 2)) as a (arm, source, version)
    """)
    network("call pgfeed.tick()")
    assert network(ACTIVE) == [(2,)]


@pytest.mark.parametrize("change", [
    "call pgfeed.delete_model('control', 1)", "update pgfeed.models set golden_scores[1] = 9 where version = 1",
])
def test_it_is_not_taken_back_for_what_cannot_serve(network, connection, trained, change):
    network("call pgfeed.set_schedule('control', train => '30 days', champion_share => 0)")
    gate.decide(connection, "control", trained())
    network("update pgfeed.model_decisions set decided_at = now() - interval '1 hour'")
    network("""
        insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)
        select now() - n * interval '1 second', n, 'control', 'popular', now(), '{1}' from generate_series(1, 60) as n
    """)
    network(change)
    network("call pgfeed.tick()")
    assert network(ACTIVE) == [(2,)] and len(network(DECISIONS)) == 1
    status, found, _ = probes(network)["tick"]
    assert status == "fail" and "control version 2 is to be taken back (100% of its answers" in found
    assert "version 1, cannot serve any more" in found


def test_a_champion_that_cannot_serve_keeps_no_successor_out(network, connection, trained):
    network("call pgfeed.set_schedule('control', train => '30 days')")
    version = trained()
    network("update pgfeed.models set feature_names[1] = 'user.shoe_size' where version = 1")
    assert gate.decide(connection, "control", version) == ("served", "")
    assert network(DECISIONS) == [(2, None, "served", [])] and network(ACTIVE) == [(2,)]
    assert network("select from pgfeed.experiments") == []


def test_the_gate_of_a_schedule_that_was_ended_ends(network, connection, trained):
    network("call pgfeed.set_schedule('control', train => '30 days')")
    gate.decide(connection, "control", trained())
    network("call pgfeed.set_schedule('control')")
    network("call pgfeed.tick()")
    assert network("select winner from pgfeed.experiments") == [(None,)]
    network("update pgfeed.model_decisions set decided_at = now() - interval '8 days'")
    network("call pgfeed.tick()")
    assert network("select winner from pgfeed.experiments where stopped_at is not null") == [("challenger",)]


def test_a_downgrade_ends_the_gate(network, network_dsn, connection, trained):
    network("call pgfeed.set_schedule('control', train => '30 days')")
    gate.decide(connection, "control", trained())
    alembic(network_dsn, "downgrade", "0012")
    assert network("select name, stopped_at is not null from pgfeed.experiments") == [("gate_control_2", True)]


def test_each_version_of_a_long_variant_has_an_experiment(network):
    variant = "a" * 40
    network(f"alter database {network('select current_database()')[0][0]} set pgfeed.default_variant = '{variant}'")
    network(f"set pgfeed.default_variant = '{variant}'")
    network("""
        insert into pgfeed.models (
            variant, version, artifact, sha256, feature_names, encoders, parameters, metrics, golden_matrix,
            golden_scores
        )
        select %s, v, m.artifact, m.sha256, m.feature_names, m.encoders, m.parameters, m.metrics, m.golden_matrix,
            m.golden_scores
        from pgfeed.models as m, generate_series(1, 3) as v where m.version = 1 and m.variant = 'control'
    """, variant)
    network("call pgfeed.activate_model(%s, 3)", variant)
    network("call pgfeed.set_schedule(%s, train => '30 days')", variant)
    for challenger in (2, 3):
        network("update pgfeed.experiments set stopped_at = now() where started_at is not null")
        (experiment_id,), = network("call pgfeed._keep_champion(%s, %s, 1)", variant, challenger)
        network("""
            insert into pgfeed.model_decisions (
                variant, challenger, champion, decision, rule, reasons, figures, experiment_id
            ) values (%s, %s, 1, 'served', '', '{}', '{}', %s)
        """, variant, challenger, experiment_id)
    names = [f"gate_{'a' * 33}_2", f"gate_{'a' * 33}_3"]
    assert network("select name from pgfeed.experiments order by name") == [(name,) for name in names]


def test_operators_forge_no_trial(network, network_dsn, trained):
    version = trained()
    with autocommit(network_dsn) as other:
        query = queries(other)
        query("set role pgfeed_operator")
        with pytest.raises(psycopg2.errors.InsufficientPrivilege):
            query("call pgfeed._decide('control', %s, '{}')", version)


def test_three_refusals_in_a_row_are_an_alarm(network):
    for count in (1, 2, 3):
        network("insert into pgfeed.model_decisions (variant, challenger, champion, decision, rule, reasons, figures)"
                " values ('control', 1, 1, 'refused', '', '{too slow}', '{}')")
        status, found, _ = probes(network)["decisions control"]
        assert status == ("fail" if count == 3 else "ok")
    assert "3 challengers in a row were refused, the last one because too slow" in found


@pytest.mark.parametrize("change", ["activate_model('control', 1)", "rollback_model('control')"])
def test_a_change_by_hand_ends_the_gate(network, connection, trained, change):
    network("call pgfeed.set_schedule('control', train => '1 day')")
    gate.decide(connection, "control", trained())
    running = "select count(*) from pgfeed.experiments where stopped_at is null and started_at is not null"
    assert network(running) == [(1,)]
    network(f"call pgfeed.{change}")
    assert network(running) == [(0,)] and network(ACTIVE) == [(1,)]
