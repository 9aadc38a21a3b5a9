create or replace procedure pgfeed._pack_features(as_of timestamptz)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_shortlist bigint[];
    v_pack_id bigint;
begin
    if not coalesce(isfinite(as_of), false) then
        raise exception 'features cannot be packed as of %', as_of
            using errcode = '22023', hint = 'Give a moment.';
    end if;
    v_shortlist := case when pgfeed._is_large() then pgfeed._shortlist(as_of) end;
    -- A pack is valid while no day before it was rolled up later: none may be in the making now.
    perform pg_advisory_xact_lock(hashtext('pgfeed.roll_up_events'));
    -- Where a feed cannot be evaluated, what it had in the pack before goes on.
    update pgfeed.feature_packs as k set as_of = '-infinity' where k.as_of = _pack_features.as_of;
    insert into pgfeed.feature_packs
    (
        as_of, post_count, catalogue_count, feature_names, topics, post_ids, topic_codes, matrix, attributes,
        is_shortlist, relative
    )
    select
        _pack_features.as_of,
        p.post_count,
        case when v_shortlist is null then p.post_count else pgfeed._catalogue_count(_pack_features.as_of) end,
        p.feature_names,
        p.topics,
        p.post_ids,
        p.topic_codes,
        p.matrix,
        p.attributes,
        v_shortlist is not null,
        pgfeed._relative_columns(p.feature_names, p.topics, p.post_ids, p.topic_codes, p.matrix)
    from pgfeed._post_pack(_pack_features.as_of, v_shortlist) as p
    returning pack_id into v_pack_id;
    call pgfeed._evaluate_feeds(v_pack_id);
    delete from pgfeed.feature_packs as k where k.as_of = '-infinity';
--!include sql/_plain_errors.sql
end;
$$;

alter procedure pgfeed._pack_features(timestamptz) owner to pgfeed_owner;

comment on procedure pgfeed._pack_features(timestamptz) is
    'Stores the post matrix as of a moment in feature_packs: of all posts, or of a shortlist of a large catalogue';

revoke all on procedure pgfeed._pack_features(timestamptz) from public;
grant execute on procedure pgfeed._pack_features(timestamptz) to pgfeed_operator;
