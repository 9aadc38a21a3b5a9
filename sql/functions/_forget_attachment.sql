create or replace function pgfeed._forget_attachment(attachment_id smallint)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set client_min_messages = warning
as $$
#variable_conflict use_column
declare
    v_attached pgfeed.attached_tables;
begin
    delete from pgfeed.attached_tables as t
    where t.attachment_id = _forget_attachment.attachment_id
    returning t.* into strict v_attached;
    delete from pgfeed.attachment_errors as r where r.attachment_id = _forget_attachment.attachment_id;
    execute (
        select coalesce(string_agg(format('drop function %s', p.oid::regprocedure), ';'), '')
        from pg_proc as p
        where
            p.pronamespace = 'pgfeed'::regnamespace
            and p.proname ~ format('^_follow_%s(_insert|_rows)?$', _forget_attachment.attachment_id)
    );
    if v_attached.kind = 'events' then
        call pgfeed._make_newest_events();
        with gone as (
            delete from pgfeed.feed_events as e
            where e.attachment_id = _forget_attachment.attachment_id
            returning e.user_id, e.post_id, e.event_at
        ),

        unliked as (
            delete from pgfeed.liked_posts as l
            using gone as g
            where l.user_id = g.user_id and l.post_id = g.post_id and l.liked_at = g.event_at
            returning l.user_id, l.post_id, g.event_at
        ),

        unmarked as (
            delete from pgfeed.marked_posts as m
            using gone as g
            where m.user_id = g.user_id and m.post_id = g.post_id and g.event_at in (m.unliked_at, m.hidden_at)
            returning m.user_id, m.post_id, g.event_at
        )

        insert into pgfeed.removed_events (user_id, post_id, day)
        select null, null, g.event_at::date from gone as g group by g.event_at::date
        union all
        select u.user_id, u.post_id, u.event_at::date from unliked as u
        union all
        select u.user_id, u.post_id, u.event_at::date from unmarked as u;
    elsif v_attached.kind = 'posts' then
        call pgfeed._make_attached_posts();
        delete from pgfeed.posts;
    else
        delete from pgfeed.users;
    end if;
end;
$$;

alter function pgfeed._forget_attachment(smallint) owner to pgfeed_owner;

comment on function pgfeed._forget_attachment(smallint) is
    'Deletes an attachment with all that came from its relation, and the functions made for it';

revoke all on function pgfeed._forget_attachment(smallint) from public;
grant execute on function pgfeed._forget_attachment(smallint) to pgfeed_operator;
