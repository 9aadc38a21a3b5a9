declare
    v_prefix constant text := '^(plpy\.Error|spiexceptions\.\w+): ';
    v_rows pgfeed.recommendation[];
    v_message text;
    v_hint text;
    v_state text;
begin
    v_rows := pgfeed._recommend_posts(
        pgfeed._id_of('users', recommend_for.user_key::text),
        recommend_for.ts,
        recommend_for.k,
        recommend_for.variant,
        case when recommend_for.session is not null then array(
            select pgfeed._id_of('posts', s.key)
            from unnest(recommend_for.session) with ordinality as s (key, number)
            order by s.number
        ) end
    );
    return query
    select
        r.rank, coalesce(p.key, r.post_id::text), r.topic, r.text, r.score, r.variant, r.source, r.model_version,
        r.features_as_of
    from unnest(v_rows) as r
    left join pgfeed.posts as p on p.post_id = r.post_id
    order by r.rank;
