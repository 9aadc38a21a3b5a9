create or replace function pgfeed._check_feed(settings jsonb)
returns void
language plpgsql stable
cost 1000
set search_path = pg_catalog, pg_temp
as $$
declare
    v_setting record;
    v_name text;
    v_type text;
    v_kind text;
    v_variants constant text[] := array(select distinct a.variant from pgfeed.model_activations as a order by a.variant);
begin
    foreach v_kind in array array['max_per', 'boosts'] loop
        if jsonb_typeof(settings -> v_kind) <> 'object' then
            raise exception '% is %', v_kind, settings -> v_kind
                using errcode = '22023', hint = 'Write a JSON object: {"topic": 2}';
        end if;
    end loop;

    for v_setting in select s.key, s.value from jsonb_each(coalesce(settings -> 'max_per', '{}')) as s loop
        v_type := pgfeed._feed_feature(v_setting.key, 'max_per');
        if v_type in ('text[]', 'timestamp with time zone') then
            raise exception 'max_per cannot have %, which is %', v_setting.key, v_type
                using errcode = '22023', hint = 'Name a category, a boolean or a number.';
        end if;
        if jsonb_typeof(v_setting.value) <> 'number' or v_setting.value::text !~ '^[1-9][0-9]{0,8}$' then
            raise exception 'max_per has % for %', v_setting.value, v_setting.key
                using errcode = '22023', hint = 'Give a whole number from 1 on.';
        end if;
    end loop;

    for v_setting in select s.key, s.value from jsonb_each(coalesce(settings -> 'boosts', '{}')) as s loop
        v_name := split_part(v_setting.key, ':', 1);
        v_type := pgfeed._feed_feature(v_name, 'boosts');
        if (v_type in ('text', 'text[]')) <> (v_setting.key like '%:%') or v_type = 'timestamp with time zone' then
            raise exception 'boosts cannot have %, since % is %', v_setting.key, v_name, v_type
                using
                    errcode = '22023',
                    hint = 'Write {"post.NAME": weight} of a number or a boolean, {"post.NAME:VALUE": weight} of a text or tags.';
        end if;
        if jsonb_typeof(v_setting.value) <> 'number' or abs((v_setting.value #>> '{}')::numeric) > 100 then
            raise exception 'boosts has % for %', v_setting.value, v_setting.key
                using errcode = '22023', hint = 'Give a number from -100 to 100; the score is log-odds: 0.3 makes 10 percent 13.';
        end if;
    end loop;

    for v_name in select jsonb_array_elements_text(settings -> 'fallbacks') loop
        if v_name is null or not (pgfeed._is_without_model(v_name) or v_name = any(v_variants)) then
            raise exception 'fallbacks has %, which is no variant', coalesce(quote_literal(v_name), 'null')
                using
                    errcode = '22023',
                    hint = 'Variants: ' || array_to_string(
                        pgfeed._variants_without_model() || array['trending:6h', 'popular_by:user.NAME'] || v_variants, ', '
                    ) || '.';
        end if;
        if v_name like 'popular_by:%' then
            perform pgfeed._value_condition(split_part(substr(v_name, 12), '=', 1));
        end if;
    end loop;
    if not (settings ->> 'diversity')::double precision between 0 and 1 then
        raise exception 'diversity is %', settings ->> 'diversity'
            using errcode = '22023', hint = 'Give a number from 0 to 1, such as 0.2.';
    end if;
    if settings ->> 'explore' not in ('careful', 'normal') then
        raise exception 'explore is %', quote_literal(left(settings ->> 'explore', 100))
            using errcode = '22023', hint = 'Give off, careful or normal.';
    end if;
    if settings ? 'explore_baseline' and not settings ? 'explore' then
        raise exception 'explore_baseline is true where nothing explores'
            using errcode = '22023', hint = 'Give explore => ''careful'' or ''normal'', too.';
    end if;
    if (settings ->> 'hide_viewed')::interval < interval '0' then
        raise exception 'hide_viewed is %', settings ->> 'hide_viewed'
            using errcode = '22023', hint = 'Give an interval such as 7 days.';
    end if;
end;
$$;

alter function pgfeed._check_feed(jsonb) owner to pgfeed_owner;

comment on function pgfeed._check_feed(jsonb) is 'Raises the one error that says what create_feed() cannot take, the filter aside';

revoke all on function pgfeed._check_feed(jsonb) from public;
