create or replace function pgfeed._warn_of_feed(
    settings jsonb,
    filter jsonb
)
returns void
language plpgsql stable
cost 100000
set search_path = pg_catalog, pg_temp
as $$
declare
    v_name text;
    v_value text;
    v_is_there boolean;
begin
    for v_name in
        select k.name
        from (values ('created_at', 'post.created_at'), ('key', 'post.key'), ('ts', 'moment.ts')) as k (name, said)
        where
            filter -> 'columns' ? k.said
            and (
                exists (select 1 from pgfeed.attributes as a where a.kind = 'post' and a.name = k.name)
                or exists (select 1 from pgfeed.own_features as o where o.name = 'post.' || k.name)
            )
    loop
        raise notice '% in the filter is not your feature post.%', v_name, v_name
            using hint = 'A filter cannot read it. Attach the column or add the feature by another name.';
    end loop;
    for v_name in select jsonb_object_keys(settings -> 'boosts') loop
        if v_name like '%:%' then
            v_value := substr(v_name, strpos(v_name, ':') + 1);
            execute format(
                'select exists (select 1 from pgfeed.posts as k where %s)',
                pgfeed._value_condition(
                    'post.' || replace(split_part(v_name, ':', 1), 'post.', '')
                )
            )
            into v_is_there
            using array[v_value];
            if not v_is_there then
                raise notice 'no post has the value % that boosts has for %', quote_literal(v_value), split_part(v_name, ':', 1)
                    using hint = 'The boost does nothing until a post has it.';
            end if;
        end if;
    end loop;
    if filter -> 'calls' <> '[]' then
        raise notice 'a part of the filter is evaluated at each call, which takes longer: %', filter -> 'calls' ->> 0
            using hint = 'What is faster has a post on one side and ts on the other: created_at > ts - interval ''3 days''';
    end if;
end;
$$;

alter function pgfeed._warn_of_feed(jsonb, jsonb) owner to pgfeed_owner;

comment on function pgfeed._warn_of_feed(jsonb, jsonb) is
    'Says what of a feed works otherwise than its operator may think; settings: the arguments of create_feed(), filter: what '
    '_compiled_filter() gave, null: none';

revoke all on function pgfeed._warn_of_feed(jsonb, jsonb) from public;
