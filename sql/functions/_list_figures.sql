create or replace function pgfeed._list_figures(
    variant text,
    version integer,
    user_count integer default 100
)
returns jsonb
language plpgsql volatile
cost 1000000
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_as_of constant timestamptz := pgfeed._refresh_as_of();
    v_lists jsonb[] := '{}';
    v_list jsonb;
    v_user_id bigint;
    v_started_at timestamptz;
    v_problem text;
begin
    -- It serves in this block alone, which is rolled back: nobody else ever sees it active.
    begin
        insert into pgfeed.model_activations (variant, version) values (_list_figures.variant, _list_figures.version);
        for v_user_id in
            select f.user_id from pgfeed.user_features as f order by hashint8extended(f.user_id, 0) limit user_count
        loop
            v_started_at := clock_timestamp();
            select
                jsonb_build_object(
                    'posts', coalesce(jsonb_agg(r.post_id order by r.rank), '[]'),
                    'is_fallback', coalesce(bool_or(r.source not in ('model', 'cold_start')), false),
                    'is_constant', count(r.score) > 1 and min(r.score) = max(r.score),
                    'is_finite', coalesce(bool_and(r.score not in ('nan', 'infinity', '-infinity')), true)
                )
            into v_list
            from pgfeed.recommend_posts(v_user_id, v_as_of, 10, _list_figures.variant) as r;
            v_lists := v_lists
                || (v_list || jsonb_build_object('ms', extract(epoch from clock_timestamp() - v_started_at) * 1000));
        end loop;
        raise exception using errcode = 'PGF01';
    exception
        when sqlstate 'PGF01' then
            null;
        when others then
            get stacked diagnostics v_problem = message_text;
    end;
    return (
        with lists as (select l.list, l.number from unnest(v_lists) with ordinality as l (list, number)),

        places as (
            select l.number, p.post_id::bigint as post_id, q.topic, q.created_at > v_as_of - interval '7 days' as is_fresh
            from lists as l
            cross join lateral jsonb_array_elements_text(l.list -> 'posts') as p (post_id)
            left join pgfeed.posts as q on q.post_id = p.post_id::bigint
        )

        select jsonb_strip_nulls(jsonb_build_object(
            'problem', v_problem,
            'lists', count(*),
            -- The first ones load the model. What else runs on the machine only adds to the time of a call.
            'ms', percentile_cont(0.1) within group (order by (l.list -> 'ms')::double precision) filter (where l.number > 3),
            'empty_ratio', avg((l.list -> 'posts' = '[]')::integer::double precision),
            'fallback_ratio', avg((l.list -> 'is_fallback')::boolean::integer::double precision),
            'constant_ratio', avg((l.list -> 'is_constant')::boolean::integer::double precision),
            'not_finite_ratio', avg((not (l.list -> 'is_finite')::boolean)::integer::double precision),
            'posts', (select count(distinct p.post_id) from places as p),
            'topics_per_list', (
                select avg(t.topic_count) from (select count(distinct p.topic) as topic_count from places as p group by p.number) as t
            ),
            'fresh_ratio', (select avg(p.is_fresh::integer::double precision) from places as p),
            'bytes', (
                select length(m.artifact) from pgfeed.models as m
                where m.variant = _list_figures.variant and m.version = _list_figures.version
            )
        ))
        from lists as l
    );
end;
$$;

alter function pgfeed._list_figures(text, integer, integer) owner to pgfeed_owner;

comment on function pgfeed._list_figures(text, integer, integer) is
    'What a version would give a sample of users, as if it were active: milliseconds of a call (the fastest tenth, as other work only adds to it), shares of lists that are '
    'empty, of another source than a model, with one score for all or with none; posts in the lists, topics a list, share of '
    'places with posts of the last 7 days, bytes of the model';

revoke all on function pgfeed._list_figures(text, integer, integer) from public;
