create or replace function pgfeed.off_policy_report(
    model text,
    from_at timestamptz default null,
    until_at timestamptz default now(),
    feed text default null,
    most bigint default 20000,
    attribution interval default '1 hour'
)
returns setof pgfeed.off_policy_estimate
language plpgsql stable
cost 1000000 rows 10
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
declare
    v_variant constant text := split_part(model, '@', 1);
    v_version integer;
    v_model_id bigint;
    v_trained_until timestamptz;
    v_evaluated_from timestamptz;
    v_is_whole boolean;
    v_seen_until timestamptz;
    v_problems text[];
    v_rows pgfeed.off_policy_estimate[];
begin
    if not coalesce(model, '') ~ '^[^@]+(@[1-9][0-9]{0,8})?$' then
        raise exception 'there is no model %', coalesce(quote_literal(model), 'null')
            using errcode = '22023', hint = 'Name one as VARIANT or VARIANT@VERSION.';
    end if;
    if most is null or most < 1 then
        raise exception 'nothing can be told from % lists', coalesce(most::text, 'null')
            using errcode = '22023', hint = 'Give most, about how many are taken, such as 20000.';
    end if;
    if attribution is null or attribution <= interval '0' then
        raise exception 'no like belongs to a list for %', coalesce(attribution::text, 'null')
            using errcode = '22023', hint = 'Give attribution, for how long one does, such as ''1 hour''.';
    end if;
    if until_at is null or from_at >= until_at then
        raise exception 'there are no lists from % until %', coalesce(from_at::text, 'the beginning'), coalesce(until_at::text, 'null')
            using errcode = '22023', hint = 'Give until_at, a moment after from_at; nothing: until now.';
    end if;
    if not exists (select 1 from pgfeed.named_feeds as f where f.name = off_policy_report.feed) and off_policy_report.feed is not null then
        raise exception 'there is no feed %', quote_literal(off_policy_report.feed)
            using errcode = '22023', hint = 'See: select name, settings from pgfeed.feeds';
    end if;
    if not pgfeed._is_without_model(v_variant) then
        v_version := coalesce(
            nullif(split_part(model, '@', 2), '')::integer,
            (select a.version from pgfeed.active_models as a where a.variant = v_variant)
        );
        if v_version is null and exists (select 1 from pgfeed.model_versions as m where m.variant = v_variant) then
            raise exception 'no version of % is active', v_variant
                using errcode = '22023', hint = 'Name one as VARIANT@VERSION: select variant, version from pgfeed.model_versions';
        end if;
        v_model_id := pgfeed._model_id(v_variant, v_version);
        select m.trained_until, case when m.evaluation_artifact is null then m.trained_until else m.evaluated_from end
        into v_trained_until, v_evaluated_from
        from pgfeed.models as m
        where m.model_id = v_model_id;
        -- What serves is asked about lists after its days; the fit that was evaluated about lists of the days held out.
        v_is_whole := from_at >= v_trained_until or from_at is null and exists (
            select 1
            from pgfeed.exposures as x
            where
                x.propensities is not null
                and x.served_at >= v_trained_until
                and x.served_at < until_at - attribution
                and (off_policy_report.feed is null or x.feed = off_policy_report.feed)
        );
        v_seen_until := case when v_is_whole then v_trained_until else v_evaluated_from end;
        v_problems := pgfeed._model_problems(v_model_id);
        if v_problems <> '{}' then
            raise exception '%@% cannot serve: %', v_variant, v_version, array_to_string(v_problems, '; ')
                using errcode = '55000', hint = 'Judge another version: select variant, version from pgfeed.model_versions';
        end if;
        if coalesce(from_at, v_seen_until) is null then
            raise exception 'it is not known which events %@% has seen', v_variant, v_version
                using errcode = '22023', hint = 'Give from_at: the moment from which on it has seen none.';
        end if;
        if from_at < v_seen_until then
            raise exception '% has seen events until %', model, v_seen_until
                using errcode = '22023', hint = 'Leave from_at out: only lists from then on can judge it.';
        end if;
    end if;
    v_rows := pgfeed._off_policy_estimates(
        case when v_is_whole then v_model_id else -v_model_id end, v_variant, v_version, coalesce(from_at, v_seen_until, '-infinity'), until_at - attribution, feed,
        most, attribution
    );
    if coalesce(cardinality(v_rows), 0) = 0 then
        v_rows := array[
            (
                'likes per list', 'doubly robust', null, null, null, 0, 0, null, null,
                format(
                    'no list was explored from %s on: it cannot be known what else would have been liked',
                    coalesce(from_at, v_seen_until, '-infinity')
                )
            )::pgfeed.off_policy_estimate
        ];
    end if;
    return query select r.* from unnest(v_rows) as r;
--!include sql/_plain_errors.sql
end;
$$;

alter function pgfeed.off_policy_report(text, timestamptz, timestamptz, text, bigint, interval) owner to pgfeed_owner;

comment on function pgfeed.off_policy_report(text, timestamptz, timestamptz, text, bigint, interval) is
    'What a model that was not served, VARIANT@VERSION, would have had of likes: estimates from lists of feeds that explore '
    '(create_feed), served by any model from from_at until before until_at, by default from when the model has seen '
    'no event; if there are none, the fit that was evaluated is asked about lists of the days held out. Only first pages of '
    'feeds that are there. feed: of this one alone; most: about so many lists, of randomly chosen users; attribution: for how long a '
    'like belongs to a list. Takes about as long as recommend_posts() for each list';

revoke all on function pgfeed.off_policy_report(text, timestamptz, timestamptz, text, bigint, interval) from public;
grant execute on function pgfeed.off_policy_report(text, timestamptz, timestamptz, text, bigint, interval)
to pgfeed_reader, pgfeed_operator;
