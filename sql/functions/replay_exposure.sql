create or replace function pgfeed.replay_exposure(
    exposure_id uuid,
    served_at timestamptz default null
)
returns table (
    rank integer,
    post_id bigint,
    score double precision,
    propensity real
)
language plpgsql stable
cost 100000 rows 5
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_exposure pgfeed.exposures;
    v_model_id bigint;
    v_list pgfeed.served_list;
    v_problem text;
    v_gone bigint[];
begin
    select x.* into v_exposure
    from pgfeed.exposures as x
    where
        x.exposure_id = replay_exposure.exposure_id
        and (replay_exposure.served_at is null or x.served_at = replay_exposure.served_at);
    if v_exposure.exposure_id is null then
        raise exception 'there is no exposure %', coalesce(exposure_id::text, 'null')
            using errcode = '22023', hint = 'See: select exposure_id, served_at from pgfeed.exposures';
    end if;
    if v_exposure.arguments ? 'is_cut' then
        raise exception 'the exposure % cannot be replayed: its candidates or posts to exclude were too many to be kept', exposure_id
            using errcode = '55000', hint = 'At most 1000 of each are.';
    end if;
    if v_exposure.model_version is not null then
        select m.model_id into v_model_id
        from pgfeed.models as m
        where
            m.variant = v_exposure.variant and m.version = v_exposure.model_version and m.deleted_at is null;
        if v_model_id is null then
            raise exception 'the exposure % cannot be replayed: % version % was deleted', exposure_id, v_exposure.variant,
                v_exposure.model_version
                using errcode = '55000', hint = 'See: select variant, version from pgfeed.model_versions';
        end if;
    end if;

    v_list := pgfeed._replay_list(
        jsonb_build_object(
            'user_id', v_exposure.user_id, 'served_at', v_exposure.served_at, 'variant', v_exposure.variant,
            'model_version', v_exposure.model_version, 'feed', v_exposure.feed,
            'arguments', v_exposure.arguments::text, 'post_ids', v_exposure.post_ids
        ),
        v_model_id,
        v_exposure.exploration is not null
    );
    if (v_list.rows)[1].features_as_of is distinct from v_exposure.features_as_of then
        v_problem := format(
            case
                when v_exposure.arguments ? 'after'
                    then 'a page after the first takes the newest features, which were those as of %s and are those of %s now'
                else 'the features as of %s are gone, this moment is served with those of %s'
            end,
            v_exposure.features_as_of, (v_list.rows)[1].features_as_of
        );
    elsif
        array(select r.post_id from unnest(v_list.rows) as r order by r.rank) <> v_exposure.post_ids
        or v_list.exploration is distinct from v_exposure.exploration
        or v_list.propensities is null <> (v_exposure.propensities is null)
        or exists (
            select
            from unnest(v_list.propensities, v_exposure.propensities) as p (now, was)
            where abs(p.now - p.was) > 1e-5
        )
    then
        v_gone := array(
            select i.post_id
            from unnest(v_exposure.post_ids) as i (post_id)
            where not exists (select from pgfeed.posts as p where p.post_id = i.post_id and p.hidden_at is null)
        );
        v_problem := case
            when v_gone <> '{}' then format('the posts %s were deleted or hidden since', array_to_string(v_gone, ', '))
            when v_list.exploration is distinct from v_exposure.exploration
                then format(
                    'it explored by %s, its feed does by %s now',
                    coalesce(v_exposure.exploration, 'nothing'), coalesce(v_list.exploration, 'nothing')
                )
            else 'events of before its moment came, went or were counted since, or its feed was made anew'
        end;
    end if;
    if v_problem is not null then
        raise exception 'the exposure % cannot be replayed: %', exposure_id, v_problem
            using errcode = '55000', hint = 'What was served and its chances stay in pgfeed.exposures.';
    end if;
    return query
    select r.rank, r.post_id, r.score, coalesce(v_list.propensities[r.rank][r.rank], 1)
    from unnest(v_list.rows) as r
    order by r.rank;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.replay_exposure(uuid, timestamptz) owner to pgfeed_owner;

comment on function pgfeed.replay_exposure(uuid, timestamptz) is
    'The list of an exposure made again, by the version, the features and the moment that it was served with: one row per '
    'place, with the probability of the post there. An error says why it does not come out the same. served_at finds the '
    'exposure faster';

revoke all on function pgfeed.replay_exposure(uuid, timestamptz) from public;
grant execute on function pgfeed.replay_exposure(uuid, timestamptz) to pgfeed_operator;
