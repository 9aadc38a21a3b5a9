create or replace function pgfeed._own_feature_as_of(
    name text,
    ts timestamptz,
    ids bigint[]
)
returns table (id bigint, value real)
language plpgsql stable
cost 10000 rows 10000
set search_path = pg_catalog, pg_temp
--!include sql/_fixed_meaning.sql
as $$
#variable_conflict use_column
begin
    return query execute format(
        'select f.id, max(case when abs(f.value::float8) < 1e-37 then 0 else f.value::float8 end)::real
        from %s($1, $2) as f
        where f.id = any($2) and f.value::float8 between -3e38 and 3e38
        group by f.id',
        (
            select pgfeed._feature_function(f.function_name)
            from pgfeed.own_features as f
            where f.name = _own_feature_as_of.name
        )
    ) using ts, ids;
exception
    when insufficient_privilege then
        raise exception 'the feature % cannot be computed: %', name, sqlerrm
            using errcode = '42501', hint = 'Grant that to pgfeed_owner, or make the function security definer.';
    when others then
        raise exception 'the feature % cannot be computed: %', name, sqlerrm
            using
                errcode = sqlstate,
                hint = format('Mend its function (with names of schemas in it), or: call pgfeed.remove_feature(%L)', name);
end;
$$;

alter function pgfeed._own_feature_as_of(text, timestamptz, bigint[]) owner to pgfeed_owner;

comment on function pgfeed._own_feature_as_of(text, timestamptz, bigint[]) is
    'What the function of an own feature gives for users or posts as of a moment: one row per id that has a finite value, the '
    'largest if it has several';

revoke all on function pgfeed._own_feature_as_of(text, timestamptz, bigint[]) from public;
