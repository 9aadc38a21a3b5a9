create or replace procedure pgfeed._make_attached_posts()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
    v_attached pgfeed.attached_tables;
    v_settings jsonb;
    v_type text;
    v_body text;
begin
    select t.* into v_attached from pgfeed.attached_tables as t where t.kind = 'posts';
    if not found then
        drop function if exists pgfeed._attached_posts(bigint[]);
        return;
    end if;
    v_settings := v_attached.settings;
    v_type := v_settings -> 'key_types' ->> 'key';
    v_body := format(
        $body$
        #variable_conflict use_column
        begin
            return query
            select _posts.post_id, _taken.topic, case when octet_length(_taken.text) <= 20000000 then _taken.text end
            from %1$s as %2$I
            cross join lateral (
                select (%3$s
                )::text as topic, (%4$s
                )::text as text, (%5$s
                )::boolean as is_available
            ) as _taken
            inner join pgfeed.posts as _posts on %6$s
            where _posts.post_id = any((select _attached_posts.post_ids)::bigint[]) and _taken.is_available;
        end;
        $body$,
        v_attached.relation, v_settings ->> 'alias', coalesce(v_settings ->> 'topic', 'null'),
        coalesce(v_settings ->> 'text', 'null'), coalesce(v_settings ->> 'available', 'true'),
        -- As the column's index has it.
        format(
            case
                when v_type in ('smallint', 'integer', 'bigint') then E'(%s\n) = _posts.post_id'
                when v_type = 'uuid' then E'(%s\n) = _posts.key::uuid'
                else E'(%s\n)::text = _posts.key'
            end,
            v_settings ->> 'key'
        )
    );
    execute format(
        $create$
create or replace function pgfeed._attached_posts(post_ids bigint[])
returns table (post_id bigint, topic text, text text) language plpgsql stable cost 1000 rows 100
set search_path = pg_catalog, pg_temp
set row_security = on
--!include sql/_fixed_meaning.sql
as %L
        $create$,
        v_body
    );
    comment on function pgfeed._attached_posts(bigint[]) is
        'One row per post of these that the attached table has and calls available now, in no order';
    revoke all on function pgfeed._attached_posts(bigint[]) from public;
end;
$$;

alter procedure pgfeed._make_attached_posts() owner to pgfeed_owner;

comment on procedure pgfeed._make_attached_posts() is
    'Makes _attached_posts(), which reads topics and texts where they are, or drops it if no posts are attached';

revoke all on procedure pgfeed._make_attached_posts() from public;
