create or replace procedure pgfeed._require_new_feature(
    kind text,
    name text
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    if name !~ '^[[:alpha:]_][[:alnum:]_]{0,62}$' then
        raise exception '% cannot be the name of a feature', name
            using errcode = '42602', hint = 'A name has letters, digits and _ and begins with a letter.';
    end if;
    if
        kind = 'post' and name in ('topic', 'view_ratio', 'quality')
        or exists (
            select
            from pg_attribute as c
            where
                c.attrelid = format('pgfeed.%s_features', kind)::regclass
                and c.attnum > 0
                and c.attname = _require_new_feature.name
        )
    then
        raise exception 'the feature %.% is there already', kind, name
            using errcode = '42710', hint = format('Give it another name, such as own_%s.', name);
    end if;
    if exists (select from pgfeed.own_features as f where f.name = kind || '.' || _require_new_feature.name) then
        raise exception 'the feature %.% is there already', kind, name
            using
                errcode = '42710',
                hint = format('Give it another name, or first: call pgfeed.remove_feature(''%s.%s'')', kind, name);
    end if;
end;
$$;

alter procedure pgfeed._require_new_feature(text, text) owner to pgfeed_owner;

comment on procedure pgfeed._require_new_feature(text, text) is
    'Raises an error if a feature of users or posts cannot have this name, or one of pgfeed''s or of add_feature() has it';

revoke all on procedure pgfeed._require_new_feature(text, text) from public;
