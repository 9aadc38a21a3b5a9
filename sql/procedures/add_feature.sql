create or replace procedure pgfeed.add_feature(
    name text,
    function text
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_name constant text := name;
    v_kind constant text := split_part(name, '.', 1);
    v_problem text;
begin
    if name is null or function is null then
        raise exception '% is null', case when name is null then 'name' else 'function' end
            using errcode = '22004', hint = 'Give a name such as post.author_like_rate and a function of yours.';
    end if;
    if v_kind not in ('user', 'post') or v_name not like '%.%' then
        raise exception 'a feature cannot be called %', v_name
            using errcode = '42602', hint = 'It is of a user or a post: user.NAME or post.NAME.';
    end if;
    call pgfeed._require_new_feature(v_kind, substr(v_name, 6));
    if exists (select from pgfeed.attributes as a where a.kind || '.' || a.name = v_name) then
        raise exception 'the feature % is there already', v_name
            using errcode = '42710', hint = 'It is a column of an attached table or in attributes: give it another name.';
    end if;
    insert into pgfeed.own_features (name, function_name) values (v_name, pgfeed._feature_function(function));
    call pgfeed._find_leak(v_name, v_problem);
    if v_problem is not null then
        raise exception '%', v_problem
            using errcode = '22023', hint = 'Its function must read only what happened before its first argument.';
    end if;
    -- Packs of past moments lack it. They are made again when they are asked for.
    delete from pgfeed.feature_packs as k where k.as_of is distinct from pgfeed._refresh_as_of();
end;
$$;

alter procedure pgfeed.add_feature(text, text) owner to pgfeed_owner;

comment on procedure pgfeed.add_feature(text, text) is
    'Makes what a function (ts timestamptz, ids bigint[]) returns table (id bigint, value real) of the application says of '
    'users or posts the feature user.NAME or post.NAME of every recipe, from the next refresh on. It is refused if values '
    'as of a past day change when later events are deleted, which is tried and taken back. It runs as pgfeed_owner with '
    'an empty search_path, or as its owner if it is security definer';

revoke all on procedure pgfeed.add_feature(text, text) from public;
grant execute on procedure pgfeed.add_feature(text, text) to pgfeed_operator;
