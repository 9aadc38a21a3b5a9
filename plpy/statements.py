"""The statements that serve, by name: text and the types of its parameters."""

from plpy.columns import USER_COLUMNS

PACK_COLUMNS = "feature_names, topics, post_ids, topic_codes, matrix, attributes::text as attributes"
USER = "select r.*, attributes::text as attributes, extract(epoch from $1::timestamptz)::double precision as at from"
LEARNED_EVENTS = (
    "select string_agg(int8send(f.user_id), '') as user_ids, string_agg(int8send(f.post_id), '') as post_ids,"
    " string_agg(timestamptz_send(f.event_at), '') as happened_at,"
    " string_agg(int8send(case when f.action = any($3) then 3 when f.action <> 'view' then 2"
    " when f.target then 1 else 0 end), '') as kinds"
    " from pgfeed.feed_events as f where f.event_at < $1"
    " and f.event_at >= greatest($1, timestamptz '4000-01-01 BC') - interval '180 days'"
    " and (f.action = 'view' or f.action = any($2) or f.action = any($3))"
)
LEARNED_TYPES = ["timestamptz", "text[]", "text[]"]
IS_INTACT = "($1 < 0 and m.evaluation_artifact is not null or encode(sha256(m.artifact), 'hex') = m.sha256)"
STATEMENTS = {
    "state": (
        "select is_finite, variants, serving_variant as variant, model_id, model_version, features_as_of, is_current,"
        " pack_id, pack_version, is_shortlist, hour, weekday,"
        " pgfeed._fresh_posts(features_as_of, $1, is_current) as fresh_posts,"
        " is_distributed,"
        # A standby does not say who wrote, a node of Citus not what was written on others.
        " case when pg_is_in_recovery() or is_distributed or pg_current_xact_id_if_assigned() is not null then null"
        " else pg_current_snapshot()::text end as snapshot,"
        " (select k.key from pgfeed.cursor_keys as k order by k.made_at desc limit 1) as cursor_key,"
        " case when is_finite then extract(epoch from $1)::double precision end as moment,"
        " extract(epoch from features_as_of)::double precision as pack_moment from pgfeed._serving_state($1, $2, $3)"
        " cross join (select to_regclass('pg_catalog.pg_dist_partition') is not null as is_distributed) as c",
        ["timestamptz", "text", "bigint"],
    ),
    "is without model": (
        "select pgfeed._is_without_model($1) as is_without_model, $1 = pgfeed._default_variant() as is_default",
        ["text"],
    ),
    "user": (f"{USER} pgfeed._request_user($2, $1) as r", ["timestamptz", "bigint"]),
    "users": (f"{USER} pgfeed._request_users($1, $2, $3) as r", ["timestamptz", "bigint[]", "boolean"]),
    "exposures": (
        "select string_agg(int8send(p.post_id), '') as post_ids, string_agg(timestamptz_send(x.served_at), '') as"
        " served_at from (select e.served_at, e.post_ids from pgfeed.exposures as e where e.user_id = $1"
        " and e.served_at < $2 and e.served_at >= greatest($2, timestamptz '4000-01-01 BC') - interval '90 days'"
        " order by e.served_at desc limit 200) as x cross join lateral unnest(x.post_ids) as p (post_id)",
        ["bigint", "timestamptz"],
    ),
    # A negative id: as it is evaluated.
    "model": (
        f"select {IS_INTACT} as is_intact, case when $1 > 0 then m.trees end as trees, m.sha256, m.feature_names,"
        " m.encoders from pgfeed.models as m where m.model_id = abs($1)",
        ["bigint"],
    ),
    "artifact": (
        "select case when $1 < 0 and m.evaluation_artifact is not null then m.evaluation_artifact else m.artifact end"
        f" as artifact, {IS_INTACT} as is_intact from pgfeed.models as m where m.model_id = abs($1)",
        ["bigint"],
    ),
    "stored pack": (
        f"select {PACK_COLUMNS}, catalogue_count, relative from pgfeed.feature_packs where pack_id = $1", ["bigint"],
    ),
    "computed pack": (
        f"select {PACK_COLUMNS}, pgfeed._catalogue_count($1) as catalogue_count from pgfeed._post_pack("
        "$1, case when pgfeed._is_large() then pgfeed._shortlist($1) end)",
        ["timestamptz"],
    ),
    "chosen pack": (
        f"select {PACK_COLUMNS} from pgfeed._post_pack($1, $2, $3)", ["timestamptz", "bigint[]", "text[]"],
    ),
    "newest posts": (
        "select array(select p.post_id from pgfeed.posts as p where p.created_at < $1 and p.hidden_at is null"
        " order by p.created_at desc limit 2000) as post_ids",
        ["timestamptz"],
    ),
    "trending posts": ("select pgfeed._rising_post_ids($1) as post_ids", ["timestamptz"]),
    "group counts": (
        "select user_count, post_ids, view_counts, like_counts from pgfeed._group_counts($1, $2, $3)",
        ["text", "text[]", "timestamptz"],
    ),
    "fresh pack": (
        f"select {PACK_COLUMNS} from pgfeed._packed_posts($1, $2, $3, true)", ["timestamptz", "bigint[]", "text[]"],
    ),
    "candidates": ("select pgfeed._user_candidates($1, $2) as post_ids", ["timestamptz", "bigint[]"]),
    "posts outside": (
        "select pgfeed._posts_outside($1, $2, $3, $4) as post_ids", ["timestamptz", "bigint[]", "integer", "text[]"],
    ),
    "events": (
        "select post_ids, seconds, view_counts, like_counts, effective_view_counts from pgfeed._recent_events("
        "$1, $1 + make_interval(secs => $2), $1 + make_interval(secs => $3))",
        ["timestamptz", "double precision", "double precision"],
    ),
    "events of users": (
        "select event_user_ids, post_ids, seconds, view_counts, like_counts, effective_view_counts"
        " from pgfeed._recent_events_of($4, $1, $1 + make_interval(secs => $2), $1 + make_interval(secs => $3))",
        ["timestamptz", "double precision", "double precision", "bigint[]"],
    ),
    "recorded": (
        "select f.recorded, t.user_ids, t.written from"
        " (select concat_ws(' ', count(*), max(e.recorded_at)) as recorded from pgfeed.feed_events as e"
        " where e.event_at >= $1 and e.event_at < $1 + make_interval(secs => $2) and e.recorded_at >= to_timestamp($4))"
        " as f cross join"
        " (select string_agg(int8send(u.user_id), '') as user_ids,"
        " string_agg(int8send(u.event_count) || timestamptz_send(u.recorded_at), '') as written"
        " from (select e.user_id, count(*) as event_count, max(e.recorded_at) as recorded_at"
        " from pgfeed.feed_events as e where e.event_at >= $1 + make_interval(secs => $2)"
        " and e.event_at < $1 + make_interval(secs => $3) group by e.user_id) as u) as t",
        ["timestamptz", "double precision", "double precision", "double precision"],
    ),
    "stored factors": ("select factors from pgfeed.feature_packs where pack_id = $1", ["bigint"]),
    "computed factors": ("select pgfeed._post_factors($1, $2) as factors", ["timestamptz", "bytea"]),
    "post vectors": (
        "select v.factors::real[] as factors from unnest($1) with ordinality as o (post_id, number)"
        " left join pgfeed.post_vectors as v on v.post_id = o.post_id order by o.number",
        ["bigint[]"],
    ),
    "stored neighbours": ("select neighbours from pgfeed.feature_packs where pack_id = $1", ["bigint"]),
    "computed preferences": ("select pgfeed._preferences($1) as preferences", ["timestamptz"]),
    "earlier preferences": (
        "select preferences from pgfeed.feature_packs where as_of <= $1 and preferences is not null"
        " order by as_of desc limit 1",
        ["timestamptz"],
    ),
    "pack as of": (
        f"select {PACK_COLUMNS}, catalogue_count, relative from pgfeed.feature_packs"
        " where as_of = $1 and not is_shortlist",
        ["timestamptz"],
    ),
    "learned events": (LEARNED_EVENTS, LEARNED_TYPES),
    "learned events of users": (f"{LEARNED_EVENTS} and f.user_id = any($4)", [*LEARNED_TYPES, "bigint[]"]),
    # A share of the users, drawn by their id.
    "sampled users": (
        "select array(select distinct d.user_id from pgfeed.user_topic_days as d where d.day < ($1)::date"
        " and d.day >= greatest($1, timestamptz '4000-01-01 BC')::date - 180"
        " and (hashint8extended(d.user_id, 0) & 1048575) < 1048576 * $2) as user_ids",
        ["timestamptz", "double precision"],
    ),
    "sample": (
        "select least($2 / greatest(sum(d.view_count), sum(d.like_count), 1)::double precision, 1) as share,"
        " pgfeed._hits() as hits, extract(epoch from $1)::double precision as moment,"
        " array(select a.action from pgfeed.actions as a where a.sign < 0 or a.undoes is not null) as refusals"
        " from pgfeed.rollup_days as d"
        " where d.day < ($1)::date and d.day >= greatest($1, timestamptz '4000-01-01 BC')::date - 180",
        ["timestamptz", "double precision"],
    ),
    "counted posts": (
        "select string_agg(int8send(c.post_id), '') as post_ids, string_agg(int8send(c.likes), '') as likes,"
        " string_agg(int8send(c.views), '') as views, string_agg(float8send(c.effective), '') as effective"
        " from pgfeed._post_counts($1, $2) as c",
        ["timestamptz", "bigint[]"],
    ),
    "profiles": (
        f"select user_id, {', '.join(USER_COLUMNS[:7])}, attributes::text as attributes,"
        " extract(epoch from $1::timestamptz)::double precision as at from pgfeed._user_profiles($2)",
        ["timestamptz", "bigint[]"],
    ),
    "computed neighbours": ("select pgfeed._post_neighbours($1, $2) as neighbours", ["timestamptz", "bytea"]),
    "cursor keys": ("select k.key from pgfeed.cursor_keys as k order by k.made_at desc", []),
    "moment of page": (
        "select case when $2 then greatest(m.ts, pgfeed._refresh_as_of()) else m.ts end::text as ts"
        " from (select timestamptz 'epoch' + $1 * interval '1 microsecond' as ts) as m",
        ["bigint", "boolean"],
    ),
    "seen": (
        "select $3 < interval '0' as is_negative, pgfeed._seen_post_ids($1, $2, $3) as post_ids",
        ["bigint", "timestamptz", "interval"],
    ),
    "feed": ("select f.feed_id from pgfeed.named_feeds as f where f.name = $1", ["text"]),
    "is pinned baseline": ("select pgfeed._is_pinned_baseline($1) as is_pinned_baseline", ["bigint"]),
    "feed names": ("select array(select f.name from pgfeed.named_feeds as f order by f.name) as names", []),
    "feed posts": (
        "select f.name, f.settings::text as settings, f.filter::text as filter, p.post_ids, p.moments"
        " from pgfeed.named_feeds as f left join pgfeed.feed_posts as p on p.feed_id = f.feed_id and p.pack_id = $2"
        " where f.feed_id = $1",
        ["integer", "bigint"],
    ),
    "filtered posts": (
        "select r.post_ids, r.moments from pgfeed._filtered_posts($1::text::jsonb, $2, $3, $4, $5) as r",
        ["text", "text", "timestamptz", "timestamptz", "bigint[]"],
    ),
    "filter moments": ("select pgfeed._filter_moments($1::text::jsonb, $2) as moments", ["text", "timestamptz"]),
    "posts": ("select r.post_id, r.topic, r.text from pgfeed._post_rows($1) as r", ["bigint[]"]),
    # Ids as an array's text: PostgreSQL reads it in a tenth of the time that a list of numbers takes.
    "shown ids": ("select pgfeed._shown_post_ids($1::bigint[]) as post_ids", ["text"]),
    "known ids": (
        "select string_agg(int8send(p.post_id), '') as post_ids from pgfeed.posts as p"
        " where p.post_id = any(($1)::bigint[])",
        ["text"],
    ),
    "likes": (
        "select string_agg(int8send(l.user_id), '') as user_ids, string_agg(int4send(l.day), '') as days,"
        " string_agg(int8send(l.post_id), '') as post_ids from pgfeed._newest_likes($1, $2) as l",
        ["timestamptz", "bigint"],
    ),
}
