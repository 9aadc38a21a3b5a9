create or replace function pgfeed._value_condition(feature text)
returns text
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
declare
    v_kind constant text := split_part(feature, '.', 1);
    v_name constant text := substr(feature, 6);
    v_profile constant text[] := '{gender,age,country,city,exp_group,os,source}';
    v_columns constant text[] := case v_kind when 'user' then v_profile when 'post' then '{topic}' end;
    -- A value that is no number is nobody's.
    v_numbers constant text := '(select t::numeric from unnest($1) as t '
        'where t ~ ''^[-+]?([0-9]+[.]?[0-9]*|[.][0-9]+)(e[-+]?[0-9]{1,2})?$'')';
    v_condition text;
begin
    if v_name = any(v_columns) then
        return format('k.%I::text = any($1)', v_name);
    end if;
    if exists (select from pgfeed.own_features as f where f.name = feature) then
        return format(
            'k.%I in (select v.id from pgfeed.own_feature_values as v '
            'where v.name = %L and v.value in (select n.n::real from %s as n (n)))',
            v_kind || '_id', feature, v_numbers
        );
    end if;
    select
        case a.type
            when 'tags' then format('k.attributes -> %L ?| $1', v_name)
            when 'number' then format(
                'k.attributes -> %L in (select to_jsonb(n.n) from %s as n (n))', v_name, v_numbers
            )
            else format('left(k.attributes ->> %L, 200) = any($1)', v_name)
        end
    into v_condition
    from pgfeed.attributes as a
    where a.kind = v_kind and a.name = v_name and a.type <> 'date';
    if v_condition is null then
        raise exception 'no posts are popular by %: there is no such feature', coalesce(feature, 'null')
            using errcode = '22023', hint = 'Features that have values: ' || (
                select string_agg(n.name, ', ' order by n.name)
                from (
                    select 'post.topic' as name
                    union all
                    select 'user.' || c from unnest(v_profile) as c
                    union all
                    select f.name from pgfeed.own_features as f
                    union all
                    select a.kind || '.' || a.name from pgfeed.attributes as a where a.type <> 'date'
                ) as n
            ) || '.';
    end if;
    return v_condition;
end;
$$;

alter function pgfeed._value_condition(text) owner to pgfeed_owner;

comment on function pgfeed._value_condition(text) is
    'SQL that says whether a row k of users or posts has one of the values $1 (text[]) of user.NAME or post.NAME; an error '
    'if there is no such feature';

revoke all on function pgfeed._value_condition(text) from public;
