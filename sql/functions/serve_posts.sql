create or replace function pgfeed.serve_posts(
    user_id bigint,
    ts timestamptz default now(),
    k integer default 5,
    candidates bigint[] default null,
    exclude bigint[] default null,
    hide_viewed interval default null,
    max_per_topic integer default null,
    feed text default null,
    after text default null
)
returns setof pgfeed.recommendation
language plpgsql volatile
cost 10000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_rows pgfeed.recommendation[];
    v_experiment_id integer;
    v_arm text;
begin
    if current_setting('transaction_read_only')::boolean then
        raise exception 'serve_posts logs what it serves, and nothing can be written here'
            using errcode = '25006', hint = 'On a replica or in a read-only transaction call recommend_posts.';
    end if;

    -- One statement, so that the posts and the arm are of the same moment.
    select array_agg(r order by r.rank), min(a.experiment_id), min(a.arm)
    into v_rows, v_experiment_id, v_arm
    from pgfeed.recommend_posts(user_id, ts, k, null, null, candidates, exclude, hide_viewed, max_per_topic, feed, after)
    as r cross join pgfeed._running_arm(serve_posts.user_id) as a;
    if v_rows is null then
        return;
    end if;

    insert into pgfeed.exposures (
        served_at, user_id, experiment_id, arm, variant, source, model_version, features_as_of, post_ids, feed
    )
    select
        ts,
        serve_posts.user_id,
        v_experiment_id,
        v_arm,
        v_rows[1].variant,
        v_rows[1].source,
        v_rows[1].model_version,
        v_rows[1].features_as_of,
        array(select r.post_id from unnest(v_rows) as r order by r.rank),
        serve_posts.feed;
    return query select r.* from unnest(v_rows) as r;
end;
$$;

alter function pgfeed.serve_posts(
    bigint, timestamptz, integer, bigint[], bigint[], interval, integer, text, text
) owner to pgfeed_owner;

comment on function pgfeed.serve_posts(
    bigint, timestamptz, integer, bigint[], bigint[], interval, integer, text, text
) is
    'The rows of recommend_posts() for the same arguments, and one row in exposures that tells what was served. No posts: '
    'no exposure. On a read-only server an error: call recommend_posts there';

revoke all on function pgfeed.serve_posts(
    bigint, timestamptz, integer, bigint[], bigint[], interval, integer, text, text
) from public;
grant execute on function pgfeed.serve_posts(
    bigint, timestamptz, integer, bigint[], bigint[], interval, integer, text, text
) to pgfeed_writer;
