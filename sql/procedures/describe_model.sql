create or replace procedure pgfeed.describe_model(
    variant text,
    version integer,
    note text default null,
    tags text [] default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
declare
    v_model_id constant bigint := pgfeed._model_id(variant, version);
begin
    if length(note) > 2000 then
        raise exception 'a note has at most 2000 characters, this one %', length(note)
            using errcode = '22023', hint = 'Shorten it.';
    end if;
    if cardinality(tags) > 20 or exists (
        select from unnest(tags) as t (tag) where t.tag is null or t.tag !~ '^[[:alnum:]][[:alnum:]_.-]{0,39}$'
    ) then
        raise exception 'a model has at most 20 tags, each of up to 40 letters, digits, _, . and -'
            using errcode = '22023', hint = 'Say more in the note.';
    end if;
    update pgfeed.models as m
    set
        note = case when describe_model.note is null then m.note else nullif(describe_model.note, '') end,
        tags = coalesce(
            (select array_agg(distinct t.tag order by t.tag) from unnest(describe_model.tags) as t (tag)),
            case when describe_model.tags is null then m.tags else '{}' end
        )
    where m.model_id = v_model_id;
end;
$$;

alter procedure pgfeed.describe_model(text, integer, text, text[]) owner to pgfeed_owner;

comment on procedure pgfeed.describe_model(text, integer, text, text[]) is
    'Writes a note and tags to a stored model, in place of those that it has; null: they stay, '''' and {}: none';

revoke all on procedure pgfeed.describe_model(text, integer, text, text[]) from public;
grant execute on procedure pgfeed.describe_model(text, integer, text, text[]) to pgfeed_operator;
