create or replace procedure pgfeed._count_user_topics(user_id bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_user_id constant bigint := user_id;
begin
    delete from pgfeed.user_topic_days as t
    using pgfeed.rollup_days as d
    where
        t.user_id = v_user_id
        and d.day = t.day
        and not d.is_stale
        and d.missing_count = 0
        and d.event_count is not null;
    insert into pgfeed.user_topic_days (user_id, day, topic, view_count, like_count, effective_view_count)
    select
        v_user_id,
        c.day,
        coalesce(p.topic, '') as topic,
        sum(c.view_count),
        sum(c.like_count),
        sum(c.effective_view_count)
    from pgfeed._user_days(array[v_user_id]) as c
    left join pgfeed.posts as p on p.post_id = c.post_id
    group by c.day, coalesce(p.topic, '');
end;
$$;

alter procedure pgfeed._count_user_topics(bigint) owner to pgfeed_owner;

comment on procedure pgfeed._count_user_topics(bigint) is
    'Counts user_topic_days of a user anew, on the days that are rolled up from the events that are there';

revoke all on procedure pgfeed._count_user_topics(bigint) from public;
