create or replace function pgfeed._add_posts_of_events(attachment_id smallint)
returns void
language plpgsql
set search_path = pg_catalog, pg_temp
set row_security = on
--!include sql/_fixed_meaning.sql
as $$
#variable_conflict use_column
declare
    v_attached pgfeed.attached_tables;
    v_post_ids bigint[];
begin
    if exists (select from pgfeed.attached_tables as t where t.kind = 'posts') then
        return;
    end if;
    select t.* into strict v_attached
    from pgfeed.attached_tables as t
    where t.attachment_id = _add_posts_of_events.attachment_id;
    -- Citus joins no table that is spread with one that is not.
    v_post_ids := array(
        select distinct e.post_id
        from pgfeed.feed_events as e
        where
            e.attachment_id = _add_posts_of_events.attachment_id
            and not exists (select from pgfeed.posts as p where p.post_id = e.post_id)
    );
    v_post_ids := array(
        select u.post_id
        from unnest(v_post_ids) as u (post_id)
        where not exists (select from pgfeed.deleted_posts as d where d.post_id = u.post_id)
    );
    if cardinality(v_post_ids) > 0 then
        execute format(
            'insert into pgfeed.posts (post_id, key) select distinct on (r.post_id) r.post_id, r.key from (%s) as r '
            'where r.post_id = any($1) order by r.post_id, r.key on conflict (post_id) do nothing',
            pgfeed._attached_rows(
                'posts',
                jsonb_build_object(
                    'key', v_attached.settings -> 'post_key',
                    'key_types', jsonb_build_object('key', v_attached.settings -> 'key_types' -> 'post_key')
                ),
                format('%s as %I', v_attached.relation, v_attached.settings ->> 'alias')
            )
        ) using v_post_ids;
    end if;
end;
$$;

alter function pgfeed._add_posts_of_events(smallint) owner to pgfeed_owner;

comment on function pgfeed._add_posts_of_events(smallint) is
    'Where no posts are attached, makes those that events name and nobody deleted, without text and topic';

revoke all on function pgfeed._add_posts_of_events(smallint) from public;
