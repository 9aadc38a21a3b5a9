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
    v_list pgfeed.served_list;
    v_experiment_id integer;
    v_arm text;
    v_arguments jsonb;
begin
    if current_setting('transaction_read_only')::boolean then
        raise exception 'serve_posts logs what it serves, and nothing can be written here'
            using errcode = '25006', hint = 'On a replica or in a read-only transaction call recommend_posts.';
    end if;

    -- One statement, so that the posts and the arm are of the same moment.
    if feed is null then
        select array_agg(r order by r.rank), min(a.experiment_id), min(a.arm)
        into v_rows, v_experiment_id, v_arm
        from pgfeed.recommend_posts(user_id, ts, k, null, null, candidates, exclude, hide_viewed, max_per_topic, null, after)
        as r cross join pgfeed._running_arm(serve_posts.user_id) as a;
    else
        begin
            select l.rows, l.propensities, l.exploration, l.seed, a.experiment_id, a.arm
            into v_list.rows, v_list.propensities, v_list.exploration, v_list.seed, v_experiment_id, v_arm
            from pgfeed._serve_list(
                serve_posts.user_id, ts, k, array_send(candidates), array_send(exclude), hide_viewed, max_per_topic, feed, after
            ) as l cross join pgfeed._running_arm(serve_posts.user_id) as a;
            v_rows := v_list.rows;
--!include sql/_plain_errors.sql
        end;
    end if;
    if coalesce(cardinality(v_rows), 0) = 0 then
        return;
    end if;

    if num_nonnulls(candidates, exclude, hide_viewed, max_per_topic, after) > 0 or cardinality(v_rows) < k then
        v_arguments := jsonb_strip_nulls(
            jsonb_build_object(
                'k', case when cardinality(v_rows) < k then k end,
                'hide_viewed', hide_viewed::text, 'max_per_topic', max_per_topic, 'after', after,
                'candidates', case when cardinality(candidates) <= 1000 then to_jsonb(candidates) end,
                'exclude', case when cardinality(exclude) <= 1000 then to_jsonb(exclude) end,
                'is_cut', case when greatest(cardinality(candidates), cardinality(exclude)) > 1000 then true end
            )
        );
    end if;

    insert into pgfeed.exposures (
        served_at, user_id, experiment_id, arm, variant, source, model_version, features_as_of, post_ids, feed,
        propensities, exploration, seed, arguments
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
        serve_posts.feed,
        v_list.propensities,
        v_list.exploration,
        v_list.seed,
        v_arguments;
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
