"""Named feeds: what a filter may say, when it is evaluated, and what it gives."""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from json import dumps, loads
from random import Random

import numpy as np
import psycopg2
import pytest
from click.testing import CliRunner

from loader.cli import main
from loader.data.embed import embed
from migrations.objects import compose
from tests.db.conftest import autocommit, clone, copy_of, dsn_of, queries
from tests.db.test_embed import Words
from tests.db.test_replica import COPY_MODEL

# What an operator without any right of pgfeed_owner could prepare.
TRAPS = """
    create schema evil;
    grant usage on schema evil to public;
    create table evil.proof (at timestamptz default clock_timestamp());
    grant all on evil.proof to public;
    create function evil.f(x double precision) returns boolean language plpgsql immutable as
        $$ begin raise exception 'ran as %', current_user; end $$;
    create function evil.lower(x text) returns text language plpgsql immutable as
        $$ begin raise exception 'ran as %', current_user; end $$;
    create function evil.is_less(x double precision, y text) returns boolean language plpgsql immutable as
        $$ begin raise exception 'ran as %', current_user; end $$;
    create operator evil.< (leftarg = double precision, rightarg = text, function = evil.is_less);
    create domain evil.word as text check (evil.lower(value) is not null);
    create type evil.pair as (word evil.word);
    create type evil.mood as enum ('good');
"""
REFUSED = {
    "": "it is empty",
    " \n": "it is empty",
    "topic": "it is text, not true or false",
    "1": "it is integer, not true or false",
    "topic <> 'a' --": "has a comment",
    "topic <> 'a' -- and true": "has a comment",
    "topic <> 'a' /* and */": "has a comment",
    "true; drop table pgfeed.posts": "has ';'",
    "true) as x; drop table pgfeed.posts; select (true": "has ';'",
    "true) or (true": "closes a parenthesis",
    "true) union select (true": "closes a parenthesis",
    "(true": "does not close a parenthesis",
    "topic = $$sport$$": "has '$'",
    "topic = $1": "has '$'",
    "topic = E'sp\\'ort'": "has a string with the prefix E",
    "topic = U&'\\0041'": "has a string with the prefix U&",
    "topic = 'sport": "has \"'\"",
    "topic = \"sport": "has '\"'",
    "exists (select 1)": "has a subquery",
    "post_id in (select user_id from users)": "is not valid: relation \"users\" does not exist",
    "post_id in (select 1)": "has a subquery",
    "(select true)": "has a subquery",
    "post_id in (select user_id from pgfeed.users)": "names pgfeed",
    "count(*) > 1": "has an aggregate",
    "bool_and(true)": "has an aggregate",
    "row_number() over () > 1": "has a window function",
    "generate_series(1, 2) > 1": "gives several rows",
    "random() < 0.5": "calls random, which is volatile",
    "gen_random_uuid() is null": "calls gen_random_uuid, which is volatile",
    "pg_sleep(100) is null": "it is not valid|calls pg_sleep, which is volatile",
    "nextval('pgfeed.named_feeds_feed_id_seq') > 0": "calls nextval, which is volatile",
    "set_config('role', 'postgres', false) = ''": "calls set_config, which is volatile",
    "pg_read_file('/etc/passwd') = ''": "calls pg_read_file, which is volatile",
    "query_to_xml('delete from pgfeed.posts', true, true, '') is null": "calls query_to_xml, which is volatile",
    "table_to_xml('pgfeed.users', true, true, '') is document": "is not one expression",
    "length(table_to_xml('pgfeed.users', true, true, '')::text) > 9": "calls table_to_xml, which depends on more",
    "schema_to_xml('pgfeed', true, true, '') is null": "calls schema_to_xml, which depends on more",
    "current_setting('role') = ''": "calls current_setting, which depends on more",
    "pg_backend_pid() = 1": "calls pg_backend_pid, which depends on more",
    "has_table_privilege('pgfeed.users', 'select')": "calls has_table_privilege, which depends on more",
    "created_at > now()": "calls now, which says what is now",
    "created_at > transaction_timestamp()": "calls transaction_timestamp, which says what is now",
    "created_at > clock_timestamp()": "calls clock_timestamp, which is volatile",
    "age(created_at) > interval '1 day'": "calls age, which says what is now",
    "created_at > current_timestamp": "says what is now",
    "created_at > current_date": "says what is now",
    "current_user = 'x'": "says what is now or who asks",
    "created_at > 'now'": "says 'now'",
    "created_at > timestamptz ' Today '": "says 'today'",
    "created_at > 'today 12:00'": "says 'today'",
    "created_at = any('{yesterday}') and topic <> 'yesterday'": "says 'yesterday'",
    "no_column = 1": "is not valid: column \"no_column\" does not exist",
    "post.no_column = 1": "is not valid: column post.no_column does not exist",
    "users.age = 1": "names users",
    "post.post_id.x = 1": "names post_id",
    "post is not null": "names a row",
    "post = post": "names a row",
    "post::text = ''": "names a row",
    "(post).topic = ''": "is not valid|names|is not one expression",
    "pg_catalog.lower(topic) = 'x'": "names pg_catalog",
    "evil.f(1)": "names evil",
    "\"evil\".f(1)": "names \"evil\"",
    "evil . lower(topic) = 'x'": "names evil",
    "f(1)": "is not valid: function f",
    "post.like_rate operator(evil.<) topic": "names evil",
    "post.like_rate < topic": "is not valid: operator does not exist",
    "topic::evil.word = 'x'": "names evil",
    "'x'::evil.word = topic": "names evil",
    "'(x)'::evil.pair is null": "names evil",
    "topic = 'good'::evil.mood::text": "names evil",
    "topic::trap = 'x'": "names the type trap",
    "'x'::TRAP = topic": "names the type TRAP",
    "'{x}'::\"_trap\" is null": "names the type \"_trap\"",
    "cast('{x}' as trap[]) is null": "names the type trap",
    "trap 'x' = topic": "names the type trap",
    "domain_in('x', 1, 1) is null": "calls domain_in|is not valid",
    "array_in('{x}', 1, 1) is null": "is not valid|calls array_in",
    "textin('x') = topic": "calls textin|is not valid",
    "to_tsvector(topic) @@ to_tsquery('x')": "calls to_tsquery, which depends on more|calls to_tsvector",
    "xmlparse(document topic) is null": "is not one expression",
    "ts > now()": "calls now",
    "ts": "timestamp with time zone, not true or false",
    "ts > 1": "is not valid: operator does not exist",
    "ts = topic": "is not valid: operator does not exist",
    "post.ts > ts": "is not valid: column post.ts does not exist",
    "text.ts > ts": "is not valid: column text.ts does not exist",
    "moment.ts > ts": "names moment",
    "x" * 10_001: "has 10001 characters",
    "x" * 64 + " > 1": "has a name of more than 63 bytes",
    "true where true": "is not valid: syntax error",
    "true, true": "is not valid|is not one expression",
    "true as x": "is not valid: syntax error",
    "*": "is not valid|is not one expression",
    "post.*": "is not one expression",
    "1/0 = 1": "cannot be evaluated: division by zero",
    "1/(post_id - 7) > 0": "cannot be evaluated: division by zero",
    "post_id::text::smallint > 0 and (post_id * 1000)::smallint > 0": "cannot be evaluated: smallint out of range",
    "topic::integer > 0": "cannot be evaluated: invalid input syntax",
    "extract(century from interval '1 day') / 0 > extract(hour from ts)": "cannot be evaluated: division by zero",
    "post_id / (extract(hour from ts) - extract(hour from ts)) > 1": "cannot be evaluated: division by zero",
    "repeat('x', 2000000000) = topic": "cannot be evaluated",
}


@pytest.fixture
def operator(network, network_dsn):
    """A function that runs statements as somebody who is no more than an operator, and has made a trap."""
    role = "feeds_operator_" + network_dsn.rpartition("_")[2].split()[0]
    network(TRAPS)
    network(f"create role {role} login in role pgfeed_operator")
    with autocommit(network_dsn) as connection:
        query = queries(connection)
        query(f"set session authorization {role}")
        query("create domain pg_temp.trap as text check (evil.lower(value) is not null)")
        query("set search_path = evil, pg_catalog")
        yield query
        query("drop domain pg_temp.trap")
        query("reset session authorization")
    network(f"drop role {role}")


def refusal(query, text):
    """Return the message of the error that a filter is refused with."""
    try:
        query("call pgfeed.create_feed('home', %s)", text)
    except psycopg2.Error as error:
        assert error.diag.message_hint, (text, str(error))
        assert "ran as" not in str(error) and "plpy" not in str(error), (text, str(error))
        return error.diag.message_primary
    return "it was taken"


def test_a_filter_that_is_no_filter_is_refused_in_one_sentence(operator, network):
    wrong = []
    for text, problem in REFUSED.items():
        message = refusal(operator, text)
        if not any(each in message for each in problem.split("|")):
            wrong.append((text, message))
    assert "\n".join(map(str, wrong)) == ""
    assert network("select count(*) from pgfeed.named_feeds") == [(0,)]
    assert network("select relname::text from pg_class where relname like '\\_filter%%' and relkind = 'v'") == []


ATTRIBUTES = """
    update pgfeed.posts set
        created_at = timestamptz '2021-12-01 00:00+00' + post_id * interval '3 hours',
        attributes = jsonb_build_object(
            'author_id', post_id % 7, 'price', post_id / 4.0, 'is_sponsored', post_id % 5 = 0,
            'tags', to_jsonb(array['t' || post_id % 3, 'u' || post_id % 4]),
            'until', '2021-12-20'::date + post_id::integer
        )
    where post_id % 10 <> 9;
    call pgfeed.refresh_features();
"""
PARTS = {
    "topic <> 'covid'": (1, 0, 0),
    "post.topic = 'sport' and created_at > ts - interval '3 days'": (1, 1, 0),
    "created_at > ts - interval '3 days' or created_at is null": (0, 0, 1),
    "created_at between ts - interval '3 days' and ts": (0, 2, 0),
    "ts - interval '3 days' <= created_at": (0, 1, 0),
    "ts - created_at < interval '3 days'": (0, 0, 1),
    "not (created_at < ts - interval '3 days')": (0, 0, 1),
    "created_at::date >= (ts - interval '3 days')::date": (0, 1, 0),
    "post.until > ts and is_sponsored and price < 10": (2, 1, 0),
    "post.price < extract(hour from ts)": (0, 1, 0),
    "post_id > extract(hour from ts)": (0, 0, 1),
    "extract(hour from ts) between 6 and 22": (0, 2, 0),
    "extract(hour from ts) > 12 or is_sponsored": (0, 0, 1),
    "'t1' = any (tags) and tags && array['u1', 'u2'] and author_id = '3'": (3, 0, 0),
    "case when is_sponsored then price > 3 else price > 5 and true end": (1, 0, 0),
    "text_length > 10 and text.term_count > 1 and post.view_count > 0 and post.like_rate > 0": (4, 0, 0),
    "((topic = 'a and b' or (topic is null and true)) and (price > 1 and price < 8))": (3, 0, 0),
    "topic <> ' now' and topic not in ('it''s today', 'a\\tomorrow')": (2, 0, 0),
    "true": (1, 0, 0),
    "key like '1%'": (1, 0, 0),
}


@pytest.fixture(scope="module")
def shop_template(network_template):
    """Name of a network whose posts have times and features of their own."""
    with copy_of(network_template, "shop") as name:
        with autocommit(dsn_of(name)) as connection:
            queries(connection)(ATTRIBUTES)
        yield name


@pytest.fixture(scope="module")
def embedded_template(shop_template):
    """Name of the shop with embeddings."""
    with copy_of(shop_template, "embedded") as name:
        with closing(psycopg2.connect(dsn_of(name))) as connection:
            embed(connection, Words())
            with connection, connection.cursor() as cursor:
                cursor.execute("call pgfeed.refresh_features()")
        yield name


@pytest.fixture
def shop_dsn(request):
    """Connection string of a copy of the shop, with embeddings for a test of moments."""
    kind = "embedded" if "moments" in request.fixturenames else "shop"
    with clone(request.getfixturevalue(f"{kind}_template")) as dsn:
        yield dsn


@pytest.fixture
def shop(shop_dsn):
    """A function that runs statements in a copy of the shop."""
    with autocommit(shop_dsn) as connection:
        yield queries(connection)


def test_a_filter_is_taken_apart_by_what_depends_on_the_moment(shop):
    parts = {}
    for text in PARTS:
        shop("call pgfeed.create_feed('home', %s)", text)
        parts[text] = shop(
            "select jsonb_array_length(filter -> 'posts'), jsonb_array_length(filter -> 'moments'),"
            " jsonb_array_length(filter -> 'calls') from pgfeed.named_feeds"
        )[0]
        shop("call pgfeed.drop_feed('home')")
    assert parts == PARTS


# What the clauses of random filters are, each with the same said in Python of a post (a dictionary) and ts, a moment.
DAY = timedelta(days=1)
CLAUSES = [
    ("topic = 'sport'", lambda p, ts: p["topic"] == "sport"),
    ("post.topic <> 'sport'", lambda p, ts: p["topic"] != "sport"),
    ("post_id % 3 = 1", lambda p, ts: p["post_id"] % 3 == 1),
    ("key like '1%'", lambda p, ts: str(p["post_id"]).startswith("1")),
    ("price < 8.5", lambda p, ts: p["price"] is not None and p["price"] < 8.5),
    ("post.is_sponsored", lambda p, ts: bool(p["is_sponsored"])),
    ("is_sponsored is not true", lambda p, ts: not p["is_sponsored"]),
    ("author_id in ('1', '2', '5')", lambda p, ts: p["author_id"] in (1, 2, 5)),
    ("'t1' = any (tags)", lambda p, ts: "t1" in (p["tags"] or [])),
    ("view_count >= 2", lambda p, ts: (p["view_count"] or 0) >= 2),
    ("created_at > ts - interval '3 days'", lambda p, ts: p["created_at"] and p["created_at"] > ts - 3 * DAY),
    ("ts - interval '6 days' <= created_at", lambda p, ts: p["created_at"] and p["created_at"] >= ts - 6 * DAY),
    ("created_at is null or created_at < ts", lambda p, ts: p["created_at"] is None or p["created_at"] < ts),
    ("ts - created_at < interval '5 days'", lambda p, ts: p["created_at"] and ts - p["created_at"] < 5 * DAY),
    ("price > extract(hour from ts)", lambda p, ts: p["price"] is not None and p["price"] > ts.hour),
    ("extract(hour from ts) between 9 and 17", lambda p, ts: 9 <= ts.hour <= 17),
    ("extract(hour from ts) < 12 or topic = 'movie'", lambda p, ts: ts.hour < 12 or p["topic"] == "movie"),
]
CODES = {
    "topic": "topic", "post.topic": "topic", "post.author_id": "author_id", "post.is_sponsored": "is_sponsored",
    "post.price": "price",
}
BOOSTS = {
    "post.is_sponsored": lambda p: bool(p["is_sponsored"]), "post.price": lambda p: p["price"] or 0,
    "post.author_id:3": lambda p: p["author_id"] == 3, "post.tags:u2": lambda p: "u2" in (p["tags"] or []),
    "topic:sport": lambda p: p["topic"] == "sport", "post.topic:none": lambda p: False,
}


def posts_as_of(query, as_of):
    """Return the posts as dictionaries, by id, with what is known as of a moment."""
    rows = query(
        "select p.post_id, p.topic, p.created_at, p.attributes, f.view_count from pgfeed.posts as p"
        " left join pgfeed.post_features_as_of(%s) as f on f.post_id = p.post_id", as_of,
    )
    names = ("author_id", "price", "is_sponsored", "tags")
    return {
        post_id: {
            "post_id": post_id, "topic": topic, "created_at": created_at, "view_count": view_count,
            **{name: (attributes or {}).get(name) for name in names},
        }
        for post_id, topic, created_at, attributes, view_count in rows
    }


def listed(scores, posts, vectors, k, caps, diversity):
    """Return what the list of a feed should be: ids; scores by id."""
    order = sorted(scores, key=lambda post_id: (-scores[post_id], post_id))
    chosen = []

    def is_free(post_id):
        values = [(posts[post_id][CODES[name]], CODES[name], most) for name, most in caps.items()]
        return all(
            value is None or sum(posts[each][name] == value for each in chosen) < most for value, name, most in values
        )

    pool = order[:max(200, 20 * k)]
    span = scores[pool[0]] - scores[pool[-1]] if pool else 0
    while diversity and len(chosen) < k:
        free = [post_id for post_id in pool if post_id not in chosen and is_free(post_id)]
        if not free:
            break
        chosen.append(max(free, key=lambda p: round(
            (1 - diversity) * ((scores[p] - scores[pool[-1]]) / span if span else 0)
            - diversity * max((vectors[p] @ vectors[c] for c in chosen), default=0), 9
        )))
    for post_id in order:
        if post_id not in chosen and is_free(post_id) and not (diversity and post_id in pool):
            chosen.append(post_id)
    return (chosen + [post_id for post_id in order if post_id not in chosen])[:k]


@pytest.fixture(scope="module")
def moments(embedded_template):
    """Scores of all posts for user 7, posts and vectors, at moments before and after the last refresh."""
    with clone(embedded_template) as dsn, autocommit(dsn) as connection:
        query = queries(connection)
        ids, vectors = zip(*query("select post_id, components::real[] from pgfeed.post_components"))
        vectors = np.array(vectors, np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        vectors = dict(zip(ids, vectors.astype(np.float64)))
        found = []
        for day, hour in (("2021-12-13", 0), ("2021-12-13", 15), ("2021-12-16", 8), ("2021-12-08", 10),
                          ("2021-12-09", 0)):
            ts = datetime.fromisoformat(f"{day} {hour:02}:00+00:00")
            scores = dict(query("select post_id, score from pgfeed.recommend_posts(7, %s, 1000)", ts))
            posts = posts_as_of(query, min(ts.replace(hour=0), datetime(2021, 12, 13, tzinfo=UTC)))
            found.append((ts, scores, posts))
    return found, vectors


def random_feed(random):
    """Return clauses, settings for create_feed() and what they are made of, by chance."""
    clauses = random.sample(CLAUSES, random.randint(0, 4))
    caps = {name: random.randint(1, 3) for name in random.sample(list(CODES), random.randint(0, 2))}
    boosts = {name: random.choice([-2, 0.25, 1, 5]) for name in random.sample(list(BOOSTS), random.randint(0, 3))}
    return clauses, caps, boosts, random.choice([0, 0, 0.2, 0.6, 1])


@pytest.mark.parametrize("seed", range(6))
def test_any_feed_gives_what_ranking_all_and_then_filtering_gives(shop, moments, seed):
    random, (moments, vectors) = Random(seed), moments
    for _ in range(12):
        clauses, caps, boosts, diversity = random_feed(random)
        text = " and ".join(f"({text})" if " or " in text else text for text, _ in clauses) or None
        is_before = random.random() < 0.3
        if is_before:
            shop("call pgfeed.create_feed('home', %s, %s, %s, %s)", text, dumps(caps), diversity, dumps(boosts))
        if random.random() < 0.2:
            shop("call pgfeed.refresh_features()")
        if not is_before:
            shop("call pgfeed.create_feed('home', %s, %s, %s, %s)", text, dumps(caps), diversity, dumps(boosts))
        for ts, scores, posts in random.sample(moments, 2):
            k = random.choice([1, 5, 12, 100])
            eligible = {
                post_id: score + sum(weight * float(BOOSTS[name](posts[post_id])) for name, weight in boosts.items())
                for post_id, score in scores.items() if all(is_in(posts[post_id], ts) for _, is_in in clauses)
            }
            found = shop(
                "select post_id, score from pgfeed.recommend_posts(7, %s, %s, feed => 'home') order by rank", ts, k
            )
            what = (text, caps, diversity, boosts, ts, k)
            assert [row[0] for row in found] == listed(eligible, posts, vectors, k, caps, diversity), what
            assert [row[1] for row in found] == pytest.approx([eligible[row[0]] for row in found], abs=1e-6), what
        shop("call pgfeed.drop_feed('home')")


@pytest.fixture
def explained(shop):
    """A function that explains a post in the feed home: value and contribution by name."""
    def explain(post_id, user_id=7):
        rows = shop("select feature, value, contribution from pgfeed.explain_recommendation(%s, %s,"
                    " '2021-12-13 15:00+00', feed => 'home')", user_id, post_id)
        return {feature: (value, contribution) for feature, value, contribution in rows}

    return explain


def test_a_large_catalogue_scores_all_posts_of_a_feed(shop, explained):
    filters = "post_id % 7 = 3 and created_at > ts - interval '20 days'"
    shop("call pgfeed.create_feed('home', %s, boosts => '{\"post.is_sponsored\": 1}')", filters)
    call = "select post_id, score from pgfeed.recommend_posts(8, '2021-12-13 15:00+00', 30, feed => 'home')"
    whole = shop(call)
    assert len(whole) >= 8
    shop(compose("functions/_is_large").replace("> 25000", "> 0"))
    shop(compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 6")
         .replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 4").replace("BEST_OF_A_USER = 300", "BEST_OF_A_USER = 4"))
    shop("call pgfeed.refresh_features()")
    assert {row[0] for row in shop(call)} == {row[0] for row in whole}
    assert [explained(post_id, 8)["(place)"][0] for post_id, _ in shop(call)[:3]] == [1, 2, 3]


def test_a_cap_of_a_feed_looks_for_other_topics_in_a_large_catalogue(shop):
    shop("update pgfeed.posts set topic = 'rare' where post_id in (33, 44)")
    shop(compose("functions/_shortlist").replace("BEST_OF_ALL = 2_000", "BEST_OF_ALL = 1")
         .replace("TYPICAL_USERS = 64", "TYPICAL_USERS = 1").replace("BEST_OF_A_USER = 300", "BEST_OF_A_USER = 1"))
    enlarge(shop)
    shop("call pgfeed.create_feed('home', max_per => '{\"topic\": 1}')")
    call = "select post_id, topic from pgfeed.recommend_posts(7, '2021-12-13 15:00+00', 3, {}) order by rank"
    rows = shop(call.format("feed => 'home'"))
    assert rows == shop(call.format("max_per_topic => 1")) and {row[1] for row in rows} == {"sport", "movie", "rare"}
    shop("call pgfeed.drop_feed('home')")
    shop("call pgfeed.create_feed('home', max_per => '{\"post.is_sponsored\": 1}')")
    assert len(shop(call.format("feed => 'home'"))) == 3, "where the cap gives way"


@pytest.mark.parametrize(("arguments", "problem"), [
    ("null", "a feed cannot be called null"), ("'a b'", "a feed cannot be called"),
    ("'a', max_per => '[]'", "max_per is"),
    ("'a', max_per => '{\"topic\": 0}'", "max_per has 0"), ("'a', max_per => '{\"topic\": 1.5}'", "max_per has 1.5"),
    ("'a', max_per => '{\"post.x\": 1}'", "no feature of posts"),
    ("'a', max_per => '{\"post.tags\": 1}'", "cannot have"),
    ("'a', boosts => '{\"topic\": 1}'", "boosts cannot have topic"), ("'a', diversity => 1.5", "diversity is 1.5"),
    ("'a', boosts => '{\"post.price:3\": 1}'", "boosts cannot have"), ("'a', diversity => 'NaN'", "diversity is"),
    ("'a', boosts => '{\"post.price\": \"1\"}'", "boosts has"),
    ("'a', boosts => '{\"post.price\": 1e9}'", "boosts has"),
    ("'a', hide_viewed => '-1 day'", "hide_viewed is"),
    ("'a', fallbacks => '{popular,nobody}'", "fallbacks has 'nobody', which"),
    ("'a', fallbacks => '{null}'", "fallbacks has null, which"),
    ("'a', fallbacks => '{trending:2h}'", "fallbacks has 'trending:2h', which"),
    ("'a', fallbacks => '{popular_by:user.x}'", "no posts are popular by user.x"),
])
def test_what_a_feed_cannot_be_is_one_error(shop, arguments, problem):
    with pytest.raises(psycopg2.Error, match=problem) as error:
        shop(f"call pgfeed.create_feed({arguments})")
    assert error.value.diag.message_hint


def test_the_life_of_a_feed_by_its_verbs(shop, shop_dsn, monkeypatch):
    monkeypatch.setenv("PGFEED_DSN", shop_dsn)

    def run(*arguments: str, exit_code: int = 0) -> str:
        result = CliRunner().invoke(main, ["feed", *arguments])
        assert result.exit_code == exit_code, result.output
        return result.output

    assert "there are no feeds" in run("list") and loads(run("list", "--json")) == []
    said = run(
        "create", "home", "--filter", "topic <> 'covid' and ts - created_at < interval '1 day'", "--max-per", "topic=2",
        "--max-per", "post.author_id=1", "--boost", "post.topic:sport=-0.25", "--boost", "post.tags:a=b=1",
        "--diversity", "0.2", "--hide-viewed", "7 days", "--fallback", "newest", "--fallback", "popular",
    )
    assert "evaluated at each call" in said and "the feed home is made" in said
    home = {
        "name": "home", "filter": "topic <> 'covid' and ts - created_at < interval '1 day'", "diversity": 0.2,
        "max_per": {"topic": 2, "post.author_id": 1}, "boosts": {"post.topic:sport": -0.25, "post.tags:a=b": 1},
        "hide_viewed": "7 days", "fallbacks": ["newest", "popular"], "problem": None, "explore": None,
    }
    run("create", "all")
    every, listed_home = loads(run("list", "--json"))
    assert listed_home.pop("post_count") > 0 and listed_home == home
    assert every["name"] == "all" and not any(value for name, value in every.items() if name != "name")
    assert "topic=2" in run("list").replace("\n", "")
    for arguments, problem in (
        (["create", "home"], "the feed home is there already"), (["create", "x", "--filter", "no = 1"], "is not valid"),
        (["create", "x", "--max-per", "topic"], "'topic' is not FEATURE=NUMBER"),
        (["create", "x", "--boost", "post.price=NaN"], "is not FEATURE=NUMBER"),
        (["create", "x", "--max-per", "topic=1", "--max-per", "topic=2"], "'topic' is there twice"),
        (["create", "x", "--max-per", "topic=1.5"], "max_per has 1.5"),
        (["create", "x", "--hide-viewed", "week"], "week"), (["drop", "x"], "there is no feed 'x'"),
    ):
        assert problem in run(*arguments, exit_code=1)
    run("drop", "home")
    assert shop("select name from pgfeed.feeds") == [("all",)]


def test_a_feed_has_one_name_and_is_gone_when_it_is_dropped(shop):
    shop("call pgfeed.create_feed('home', 'topic = ''sport''')")
    assert shop("select name, filter, post_count, problem from pgfeed.feeds") == [("home", "topic = 'sport'", 40, None)]
    with pytest.raises(psycopg2.Error, match="the feed home is there already"):
        shop("call pgfeed.create_feed('home')")
    assert len(shop("select * from pgfeed.recommend_posts(7, '2021-12-13', feed => 'home')")) == 5
    shop("call pgfeed.drop_feed('home')")
    with pytest.raises(psycopg2.Error, match="there is no feed 'home'"):
        shop("select * from pgfeed.recommend_posts(7, '2021-12-13', feed => 'home')")
    with pytest.raises(psycopg2.Error, match="there is no feed 'home'"):
        shop("call pgfeed.drop_feed('home')")


def test_a_call_that_says_how_long_posts_are_hidden_is_heard_instead_of_its_feed(shop):
    shop("call pgfeed.create_feed('unread', hide_viewed => '1000 days')")
    call = "select post_id from pgfeed.recommend_posts(7, '2021-12-13', 1000, {}) order by rank"
    everything = shop(call.format("hide_viewed => null"))
    assert len(shop(call.format("feed => 'unread'"))) < len(everything)
    assert shop(call.format("feed => 'unread', hide_viewed => '0'")) == everything


def test_a_filter_that_fails_later_serves_what_passed_before(shop):
    shop("call pgfeed.create_feed('home', '100 / (coalesce(price, 1) - 1000) < 0 and topic = ''sport''')")
    call = "select post_id from pgfeed.recommend_posts(7, '2021-12-13', 100, feed => 'home') order by 1"
    before = shop(call)
    shop("update pgfeed.posts set attributes = attributes || '{\"price\": 1000}' where post_id = 4")
    shop("call pgfeed.refresh_features()")
    assert shop(call) == before and before
    assert "division by zero" in shop("select problem from pgfeed.feeds")[0][0]
    status, found = shop("select status, found from pgfeed.health() where name = 'feeds'")[0]
    assert status == "fail" and "the feed home cannot be evaluated: division by zero" in found


def test_a_filter_that_fails_at_a_call_leaves_out_the_posts_for_which_it_does(shop):
    text = "1 / (post_id - case when ts > ''2021-12-14'' then 8 else 1000 end) < 1"
    shop(f"call pgfeed.create_feed('home', '{text}')")
    call = "select post_id from pgfeed.recommend_posts(7, %s, 100, feed => 'home')"
    everything = {row[0] for row in shop("select post_id from pgfeed.recommend_posts(7, '2021-12-15', 100)")}
    assert {row[0] for row in shop(call, "2021-12-15")} == everything - {8, 9}


def test_not_a_number_is_the_largest_number_in_a_filter_too(shop):
    """As PostgreSQL has it, on either side of a comparison with the moment; null passes none."""
    nan = "case when post_id < 10 then 'NaN'::float8 when post_id < 20 then null else post_id end"
    call = "select post_id from pgfeed.recommend_posts(7, '2021-12-15', 100{})"
    every = {row[0] for row in shop(call.format(""))}
    cases = {
        f"({nan}) > extract(year from ts)::float8 - 1990": lambda p: p < 10 or p > 31,
        f"({nan}) <= extract(year from ts)::float8 - 1990": lambda p: 20 <= p <= 31,
        "price < 'NaN'::float8 * extract(hour from ts)::float8": lambda p: p % 10 != 9,
        "price >= 'NaN'::float8 * extract(hour from ts)::float8": lambda p: False,
    }
    for text, passes in cases.items():
        shop("call pgfeed.create_feed('home', %s)", text)
        assert shop("select jsonb_array_length(filter -> 'moments') from pgfeed.named_feeds") == [(1,)], text
        found = {row[0] for row in shop(call.format(", feed => 'home'"))}
        assert found == {post_id for post_id in every if passes(post_id)}, text
        shop("call pgfeed.drop_feed('home')")


def test_settings_of_a_session_do_not_change_what_a_filter_says_of_the_moment(shop):
    shop("call pgfeed.create_feed('home', 'post_id > 9 and length((extract(epoch from ts)::float8 / 7)::text) > 12')")
    call = "select post_id from pgfeed.recommend_posts(7, '2021-12-15', 100, feed => 'home') order by rank"
    before = shop(call)
    shop("set extra_float_digits = -15")
    assert shop(call) == before and before


def test_what_a_feed_does_otherwise_than_one_may_think_is_said(shop, shop_dsn):
    shop("update pgfeed.posts set attributes = '{\"created_at\": \"2021-12-01\", \"ts\": 1, \"tags\": [\"a\"]}'")
    shop("call pgfeed.refresh_features()")
    said = {
        "'created_at < ts'": ["created_at in the filter is not your feature", "ts in the filter is not your feature"],
        "'topic = ''sport'''": [],
        "null, boosts => '{\"topic:sports\": 1, \"topic:sport\": 1, \"post.tags:a\": 1, \"post.tags:b\": 1}'": [
            "no post has the value 'b' that boosts has for post.tags",
            "no post has the value 'sports' that boosts has for topic",
        ],
    }
    for arguments, notices in said.items():
        with autocommit(shop_dsn) as connection:
            queries(connection)(f"call pgfeed.create_feed('home', {arguments})")
            assert len(connection.notices) == len(notices), connection.notices
            for notice, found in zip(notices, sorted(connection.notices)):
                assert notice in found
        shop("call pgfeed.drop_feed('home')")


def test_a_feed_in_a_transaction_that_only_reads_is_one_error(shop):
    shop("set default_transaction_read_only = on")
    for call in ("create_feed('home')", "drop_feed('home')"):
        with pytest.raises(psycopg2.errors.ReadOnlySqlTransaction, match="nothing can be written here") as error:
            shop(f"call pgfeed.{call}")
        assert "on the primary" in error.value.diag.message_hint


def test_a_feed_is_in_the_reasons_of_each_place(shop, moments, explained):
    shop("call pgfeed.create_feed('home', max_per => '{\"topic\": 2}', diversity => 0.4,"
         " boosts => '{\"post.is_sponsored\": 1, \"post.price\": 0.1, \"post.author_id:3\": -2}')")
    call = "select rank, post_id, score from pgfeed.recommend_posts(7, '2021-12-13 15:00+00', 8{})"
    by_score = {post_id: (rank, score) for rank, post_id, score in shop(call.format("00"))}
    moved = set()
    for rank, post_id, score in shop(call.format(", feed => 'home'")):
        rows = explained(post_id)
        assert sum(contribution for _, contribution in rows.values()) == pytest.approx(score, abs=1e-4)
        assert rows["(place)"][0] == rank and rows["(place by score)"][0] == by_score[post_id][0]
        moves = [rows[name][0] for name in ("(boosts)", "(caps)", "(diversity)")]
        assert rows["(place by score)"][0] - sum(moves) == rank
        moved |= {name for name, move in zip(("boosts", "caps", "diversity"), moves) if move}
        author, price, is_sponsored = shop(
            "select attributes ->> 'author_id', (attributes ->> 'price')::float8, attributes ->> 'is_sponsored'"
            " from pgfeed.posts where post_id = %s", post_id,
        )[0]
        boosts = {
            "(boost post.is_sponsored)": (is_sponsored == "true", 1), "(boost post.price)": (price, 0.1),
            "(boost post.author_id:3)": (author == "3", -2),
        }
        assert {name: row for name, row in rows.items() if name.startswith("(boost ")} == {
            name: (pytest.approx(float(value)), pytest.approx(value * weight))
            for name, (value, weight) in boosts.items() if value
        }
    assert moved == {"boosts", "caps", "diversity"}


ASKED = "select post_id, source, variant from pgfeed.recommend_posts({}, feed => 'home') order by rank"
ALONE = "select post_id from pgfeed.recommend_posts({}, variant => %s) order by rank"


def enlarge(query):
    """Let the catalogue count as a large one."""
    query(compose("functions/_is_large").replace("> 25000", "> 0"))
    query("call pgfeed.refresh_features()")


@pytest.mark.parametrize("is_large", [False, True])
def test_a_fallback_answers_where_the_model_cannot(shop, explained, is_large):
    """For a user without profile and history, and for one who has them, without a usable model."""
    if is_large:
        enlarge(shop)
    stranger, member = "9999, '2021-12-13 15:00+00', 8", "7, '2021-12-13 15:00+00', 8"
    shop("call pgfeed.create_feed('home', fallbacks => '{control,popular_by:user.city,trending:6h,newest}')")
    assert {row[1:] for row in shop(ASKED.format(member))} == {("model", "control")}
    rows = shop(ASKED.format(stranger))  # who has no city
    assert [row[1:] for row in rows] == [("trending:6h", "control")] * 8
    assert [row[0] for row in rows] == [row[0] for row in shop(ALONE.format(stranger), "trending:6h")]
    served = shop("select distinct source from pgfeed.serve_posts(9999, '2021-12-13 15:00+00', feed => 'home')")
    assert served == [("trending:6h",)]
    assert explained(rows[0][0], 9999)["(place)"] == (1, 0)
    shop("delete from pgfeed.model_activations")
    rows = shop(ASKED.format(member))
    assert {row[1] for row in rows} == {"popular_by:user.city"}
    assert [row[0] for row in rows] == [row[0] for row in shop(ALONE.format(member), "popular_by:user.city")]


def test_a_model_of_another_variant_answers_for_one_without(shop):
    shop(COPY_MODEL.replace("variant, 2, artifact", "'spare', 3, artifact"))
    shop("call pgfeed.activate_model('spare', 3)")
    shop("call pgfeed.create_feed('home', 'topic = ''sport''', fallbacks => '{spare,popular}')")
    before = shop(ASKED.format("7, '2021-12-13', 5"))
    shop("delete from pgfeed.model_activations where variant = 'control'")
    call = "select post_id, source, variant, model_version from pgfeed.recommend_posts(7, '2021-12-13', feed => 'home')"
    assert shop(call) == [(post_id, "spare", "control", 3) for post_id, _, _ in before]


@pytest.mark.parametrize("is_large", [False, True])
def test_a_fallback_fills_what_the_filter_leaves_short(shop, is_large):
    if is_large:
        enlarge(shop)
    rules = "'post_id < 15', hide_viewed => '10 hours'"
    shop(f"call pgfeed.create_feed('home', {rules}, fallbacks => '{{newest}}')")
    shop(f"call pgfeed.create_feed('strict', {rules})")
    call = "7, '2021-12-13 15:00+00', 12"
    strict = [row[0] for row in shop(ASKED.replace("home", "strict").format(call))]
    assert 0 < len(strict) < 12
    by_time = "7, '2021-12-13 15:00+00', 1000, hide_viewed => '10 hours'"
    newest = [row[0] for row in shop(ALONE.format(by_time), "newest")]
    rows, missing = shop(ASKED.format(call)), 12 - len(strict)
    assert [row[0] for row in rows] == strict + [each for each in newest if each not in strict][:missing]
    sources = [("model", "control")] * len(strict) + [("newest", "control")] * missing
    assert [row[1:] for row in rows] == sources
    found = {row[0] for row in shop(ASKED.format(f"{call}, candidates => '{{1,2,3,30,31,50}}', exclude => '{{31}}'"))}
    assert {30, 50} <= found <= {1, 2, 3, 30, 50}
    shown, after = [], None
    for _ in range(4):
        page = shop("select post_id, cursor from pgfeed.recommend_posts(7, '2021-12-13 15:00+00', 6, feed => 'home',"
                    " after => %s) order by rank", after)
        shown, after = shown + [row[0] for row in page], page[-1][1]
    assert len(shown) == len(set(shown)) == 24 and shown[:12] == [row[0] for row in rows]


def test_a_fallback_that_fails_is_passed_over(shop, shop_dsn):
    shop("update pgfeed.users set attributes = '{\"club\": \"a\"}'")
    shop("call pgfeed.refresh_features()")
    shop("call pgfeed.create_feed('home', fallbacks => '{popular_by:user.club,newest}')")
    shop("delete from pgfeed.model_activations")
    assert {row[1] for row in shop(ASKED.format("7, '2021-12-13'"))} == {"popular_by:user.club"}
    shop("delete from pgfeed.attributes where name = 'club'")
    with autocommit(shop_dsn) as connection:
        rows = queries(connection)(ASKED.format("7, '2021-12-13'"))
        assert {row[1] for row in rows} == {"newest"}
        assert "the fallback popular_by:user.club of the feed home cannot be evaluated" in connection.notices[0]


def test_why_a_feed_does_not_have_a_post(shop, explained):
    call = "select post_id from pgfeed.recommend_posts(7, '2021-12-13 15:00+00', 1000{}) order by rank"
    out = min(row[0] for row in shop(call.format("")))
    shop("call pgfeed.create_feed('home', %s, hide_viewed => '30 days')", f"post_id > {out}")
    first, second = (row[0] for row in shop(call.format(", feed => 'home'"))[:2])
    assert explained(first)["(place)"] == (1, 0) and explained(second)["(place)"] == (2, 0)
    shop("insert into pgfeed.feed_events (user_id, post_id, action, event_at, target) values"
         " (7, %s, 'like', '2021-12-13 14:00+00', false), (7, %s, 'view', '2021-12-13 14:00+00', false)", first, second)
    for post_id, why in ((first, "(liked or hidden before)"), (second, "(seen within hide_viewed)"),
                         (out, "(kept out by the filter)")):
        rows = explained(post_id)
        assert rows[why] == (None, 0) and "(place)" not in rows
    with pytest.raises(psycopg2.Error, match="there is no feed 'x'"):
        shop("select pgfeed.explain_recommendation(7, 3, '2021-12-13', feed => 'x')")


def test_pages_of_a_feed_with_caps_and_diversity_have_each_post_once(shop, moments):
    shop("call pgfeed.create_feed('home', 'post_id % 5 <> 2 and ts - created_at < interval ''40 days''',"
         " max_per => '{\"topic\": 2, \"post.author_id\": 2}', diversity => 0.5)")
    eligible = shop("select post_id from pgfeed.recommend_posts(7, '2021-12-13 15:00+00', 1000, feed => 'home')")
    shown, after = [], None
    while page := shop("select post_id, cursor, topic from pgfeed.recommend_posts(7, '2021-12-13 15:00+00', 7,"
                       " feed => 'home', after => %s) order by rank", after):
        assert len(page) == min(7, len(eligible) - len(shown))
        shown += [row[0] for row in page]
        after = page[-1][1]
    assert len(eligible) > 30 and sorted(shown) == sorted(row[0] for row in eligible)
    assert len(set(shown)) == len(shown)
