create or replace function pgfeed._try_attachment(attachment_id smallint)
returns void
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = on
--!include sql/_fixed_meaning.sql
as $$
declare
    v_attached pgfeed.attached_tables;
    v_rows text;
    v_hint text := 'It is read as pgfeed_owner: grant that role what the expressions need, or mend the expression.';
    v_id text;
    v_key text;
    v_count bigint;
begin
    select t.* into strict v_attached from pgfeed.attached_tables as t where t.attachment_id = _try_attachment.attachment_id;
    v_rows := pgfeed._attached_rows(
        v_attached.kind, v_attached.settings, format('%s as %I', v_attached.relation, v_attached.settings ->> 'alias')
    );
    execute format('select count(r.*) from (%s limit 100) as r', v_rows);
    if v_attached.kind = 'events' then
        return;
    end if;
    v_id := rtrim(v_attached.kind, 's') || '_id';
    v_rows := format('select r.%1$I, coalesce(r.key, r.%1$I::text) as key from (%2$s) as r', v_id, v_rows);
    execute format('select min(r.key) from (select k.key from (%s) as k group by k.key having count(*) > 1) as r', v_rows)
    into v_key;
    if v_key is not null then
        v_hint := 'Give an expression that is another in each row.';
        raise exception 'several rows have the key %', quote_literal(v_key) using errcode = '23505';
    end if;
    execute format(
        'select count(*) from pgfeed.%1$s as k where not exists (select from (%2$s) as r where r.%3$I = k.%3$I)%4$s',
        v_attached.kind, v_rows, v_id, case when v_attached.kind = 'posts' then ' and k.text is not null' end
    ) into v_count;
    if v_count > 0 then
        v_hint := format('They would go. If that is meant, first: delete from pgfeed.%s;', v_attached.kind);
        raise exception 'pgfeed.% has % rows that are not in it', v_attached.kind, v_count using errcode = '55000';
    end if;
    if v_attached.kind = 'posts' then
        perform count(a.text) from pgfeed._attached_posts('{}') as a;
    end if;
exception when others then
    raise exception '% cannot be read: %', v_attached.relation, sqlerrm
        using errcode = sqlstate, hint = v_hint;
end;
$$;

alter function pgfeed._try_attachment(smallint) owner to pgfeed_owner;

comment on function pgfeed._try_attachment(smallint) is
    'Reads an attached table as a refresh will; an error says why it cannot, or that its keys are not unique, or that '
    'users or posts has rows that it does not have';

revoke all on function pgfeed._try_attachment(smallint) from public;
grant execute on function pgfeed._try_attachment(smallint) to pgfeed_operator;
