create or replace procedure pgfeed._forget_profile(user_id bigint)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
    v_user_id constant bigint := user_id;
    v_value record;
    v_is_elsewhere boolean;
begin
    for v_value in
        select
            m.model_id,
            e.key as feature,
            substr(e.key, 6) as name,
            c.value as category,
            p.is_column
        from (
            select
                f.key as name,
                f.value,
                to_jsonb(u) - 'attributes' ? f.key as is_column
            from pgfeed.users as u
            cross join lateral jsonb_each(coalesce(u.attributes, '{}') || to_jsonb(u) - 'attributes') as f
            where u.user_id = v_user_id and jsonb_typeof(f.value) in ('string', 'array')
        ) as p
        cross join lateral jsonb_array_elements_text(
            case jsonb_typeof(p.value) when 'array' then p.value else jsonb_build_array(p.value) end
        ) as c (value)
        inner join pgfeed.models as m on true
        inner join lateral jsonb_each(m.encoders) as e on e.key = 'user.' || p.name and e.value ? c.value
    loop
        execute format(
            'select exists (select 1 from pgfeed.users as u where u.user_id <> $1 and %s)',
            case
                when v_value.is_column then format('u.%I = $2', v_value.name)
                else format('u.attributes -> %L ? $2', v_value.name)
            end
        )
        into v_is_elsewhere using v_user_id, v_value.category;
        if not v_is_elsewhere then
            update pgfeed.models as m
            set encoders = m.encoders #- array[v_value.feature, v_value.category]
            where m.model_id = v_value.model_id;
        end if;
    end loop;
end;
$$;

alter procedure pgfeed._forget_profile(bigint) owner to pgfeed_owner;

comment on procedure pgfeed._forget_profile(bigint) is
    'Takes the categories that only this user has out of the encoders of models, to which they are unknown from then on';

revoke all on procedure pgfeed._forget_profile(bigint) from public;
