create or replace procedure pgfeed.create_feed(
    name text,
    filter text default null,
    max_per jsonb default null,
    diversity real default null,
    boosts jsonb default null,
    hide_viewed interval default null,
    fallbacks text[] default null,
    explore text default null,
    explore_baseline boolean default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set intervalstyle = 'postgres'
as $$
#variable_conflict use_column
declare
    v_settings constant jsonb := jsonb_strip_nulls(
        jsonb_build_object(
            'filter', filter, 'max_per', max_per, 'diversity', diversity, 'boosts', boosts,
            'hide_viewed', hide_viewed::text, 'fallbacks', to_jsonb(fallbacks), 'explore', nullif(explore, 'off'),
            'explore_baseline', nullif(explore_baseline, false)
        )
    );
    v_filter jsonb;
    v_pack record;
    v_feed_id integer;
begin
    if current_setting('transaction_read_only')::boolean then
        raise exception 'create_feed stores a feed, and nothing can be written here'
            using errcode = '25006', hint = 'Call it on the primary, outside of a read-only transaction.';
    end if;
    if name is null or name !~ '^[[:alpha:]_][[:alnum:]_.-]{0,62}$' then
        raise exception 'a feed cannot be called %', coalesce(quote_literal(left(name, 100)), 'null')
            using errcode = '42602', hint = 'A name has at most 63 letters, digits, _, . and -, and begins with a letter or _.';
    end if;
    perform pgfeed._check_feed(v_settings);
    perform pg_advisory_xact_lock(hashtext('pgfeed.feeds'));
    if exists (select from pgfeed.named_feeds as f where f.name = create_feed.name) then
        raise exception 'the feed % is there already', name
            using errcode = '42710', hint = format('In one transaction with this, first: call pgfeed.drop_feed(%L)', name);
    end if;
    if filter is not null then
        v_filter := pgfeed._compiled_filter(filter);
    end if;
    perform pgfeed._warn_of_feed(v_settings, v_filter);
    insert into pgfeed.named_feeds (name, settings, filter)
    values (name, v_settings, v_filter)
    returning feed_id into v_feed_id;
    if filter is null then
        return;
    end if;

    select k.pack_id, k.as_of into v_pack from pgfeed.feature_packs as k where k.as_of = pgfeed._refresh_as_of();
    begin
        if v_pack.pack_id is not null then
            insert into pgfeed.feed_posts (pack_id, feed_id, post_ids, moments)
            select v_pack.pack_id, v_feed_id, r.post_ids, r.moments
            from pgfeed._filtered_posts(v_filter, 'posts', v_pack.as_of, v_pack.as_of) as r;
            if v_filter -> 'calls' <> '[]' then
                perform r.post_ids from pgfeed._filtered_posts(v_filter, 'calls', v_pack.as_of, v_pack.as_of) as r;
            end if;
        end if;
        perform pgfeed._filter_moments(v_filter, coalesce(v_pack.as_of, now()));
    exception when others then
        raise exception 'the filter of the feed % cannot be evaluated: %', name, sqlerrm
            using
                errcode = sqlstate,
                hint = case
                    when sqlstate = '22012' then 'Say nullif(x, 0) where you divide by x.'
                    when sqlstate like '22%' then 'It must have a value for every post.'
                    else 'This is not about the value of a post: the message says what the server lacked.'
                end;
    end;
--!include sql/_plain_errors.sql
end;
$$;

alter procedure pgfeed.create_feed(text, text, jsonb, real, jsonb, interval, text[], text, boolean) owner to pgfeed_owner;

comment on procedure pgfeed.create_feed(text, text, jsonb, real, jsonb, interval, text[], text, boolean) is
    'Makes a feed that recommend_posts(..., feed => name) serves. filter: an SQL condition over the posts'' columns and '
    'features (topic, created_at, post.NAME, text.NAME) and ts, the moment of a call; it can call PostgreSQL''s own functions '
    'that depend on nothing else. max_per: how many posts with the same value a list may have, by feature: {"topic": 2}. '
    'diversity: from 0, the best posts, to 1, those that are least like each other. boosts: what is added to the '
    'score (log-odds): {"post.is_sponsored": 0.3} times its number, {"post.topic:sport": 0.1} where it has that value. '
    'hide_viewed: for how long a post is not shown again. fallbacks: variants, such as '
    '{popular_by:user.city,newest}. The first that can answers, as source says, where the model cannot: a user without profile '
    'and history, no usable model; and where the filter leaves too few posts, with posts that it keeps out. '
    'explore: off (null), careful or normal: how often one place of a list is given to a post that may be better than is '
    'known; serve_posts() logs the chances. explore_baseline: also for the users of an experiment''s pinned baseline';

revoke all on procedure pgfeed.create_feed(text, text, jsonb, real, jsonb, interval, text[], text, boolean) from public;
grant execute on procedure pgfeed.create_feed(text, text, jsonb, real, jsonb, interval, text[], text, boolean) to pgfeed_operator;
