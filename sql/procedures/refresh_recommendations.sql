create or replace procedure pgfeed.refresh_recommendations(
    ts timestamptz default null,
    k integer default 5,
    variant text default null,
    active_days integer default null,
    inout batch_id bigint default null
)
language plpgsql
as $$
declare
    v_is_committed boolean;
begin
    call pgfeed._commit(v_is_committed);
    if not v_is_committed then
        raise exception 'refresh_recommendations() commits as it goes, and cannot inside a transaction block'
            using errcode = '25001', hint = 'End the transaction first; with a driver switch autocommit on.';
    end if;
    batch_id := pgfeed._start_recommendation_batch(ts, k, variant, active_days);
    commit;
    while pgfeed._fill_recommendation_chunk(batch_id) is not null loop
        commit;
    end loop;
end;
$$;

alter procedure pgfeed.refresh_recommendations(timestamptz, integer, text, integer, bigint) owner to pgfeed_owner;

comment on procedure pgfeed.refresh_recommendations(timestamptz, integer, text, integer, bigint) is
    'Fills recommendations with what recommend_posts gives for all users of the last refresh (active_days: '
    'only those with an event in so many days before it), 200 users a transaction, and gives the batch. '
    'ts null: now. Called again after an interruption it goes on with that batch, unless it asks for '
    'something else or the features were refreshed since. Called in several sessions they share the work. '
    'Not inside a transaction block';

revoke all on procedure pgfeed.refresh_recommendations(timestamptz, integer, text, integer, bigint) from public;
grant execute on procedure pgfeed.refresh_recommendations(timestamptz, integer, text, integer, bigint)
to pgfeed_operator;
