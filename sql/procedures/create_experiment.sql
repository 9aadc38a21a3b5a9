create or replace procedure pgfeed.create_experiment(
    experiment text,
    variants text[],
    weights integer[] default null,
    arms text[] default null,
    salt text default null,
    expected_lift double precision default 0.05
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_count integer := coalesce(cardinality(variants), 0);
    v_weights integer[] := coalesce(
        weights,
        array(select 10000 / nullif(v_count, 0) + (n <= 10000 % nullif(v_count, 0))::integer from generate_series(1, v_count) as n)
    );
    v_arms text[] := coalesce(
        arms, array(select left(regexp_replace(lower(v), '[^a-z0-9_]+', '_', 'g'), 40) from unnest(variants) as v)
    );
    v_slot_count integer;
    v_id integer;
    v_problem text;
begin
    if v_count < 2 or cardinality(v_weights) <> v_count or cardinality(v_arms) <> v_count then
        raise exception 'an experiment needs two or more variants, and as many weights and arms'
            using errcode = '22023', hint = 'For example: call pgfeed.create_experiment(''try'', ''{control,test}'')';
    end if;
    if (select sum(w) <> 10000 or count(w) <> v_count or min(w) < 1 from unnest(v_weights) as w) then
        raise exception 'the weights % are not positive numbers that add up to 10000', v_weights
            using errcode = '22023', hint = 'A weight is in hundredths of a percent: {9000,1000} is 90% and 10%.';
    end if;
    if exists (
        select
        from unnest(
            array[experiment] || v_arms
            || array(select split_part(v, '@', 1) from unnest(variants) as v where not pgfeed._is_without_model(v))
        ) as n
        where n !~ '^[a-z][a-z0-9_]{0,39}$' or n is null
    ) or exists (
        select
        from unnest(variants) as v
        where v !~ '^[^@]+(@[1-9][0-9]{0,8})?$' or (v like '%@%' and pgfeed._is_without_model(split_part(v, '@', 1)))
    ) then
        raise exception 'a name is not usable in experiment % with arms % and variants %', experiment, v_arms, variants
            using errcode = '22023',
            hint = 'A name is a lowercase letter and up to 39 letters, digits or _; a pinned version is test@3.';
    end if;
    perform pgfeed._value_condition(substring(v from '^popular_by:([^=]+)'))
    from unnest(variants) as v
    where starts_with(v, 'popular_by:');
    if (select count(distinct a) < v_count from unnest(v_arms) as a) then
        raise exception 'two arms of % have the same name', v_arms
            using errcode = '22023', hint = 'Name them: arms => ''{old,new}''; on the command line old=control new=control.';
    end if;
    if not coalesce(expected_lift > 0 and expected_lift <= 10, false) then
        raise exception 'the expected lift % is not above 0 and at most 10', expected_lift
            using errcode = '22023', hint = 'It is relative: 0.05 is 5%.';
    end if;
    if octet_length(salt) > 1000 then
        raise exception 'the salt has % bytes', octet_length(salt)
            using errcode = '22023', hint = 'Every call reads it: give at most 1000.';
    end if;

    v_slot_count := case when (select bool_and(w % 100 = 0) from unnest(v_weights) as w) then 100 else 10000 end;
    insert into pgfeed.experiments (name, salt, slot_count, expected_lift)
    values (
        experiment,
        coalesce(salt, left(replace(gen_random_uuid()::text, '-', ''), 12)),
        v_slot_count,
        expected_lift
    )
    on conflict (name) do nothing
    returning experiment_id into v_id;
    if v_id is null then
        raise exception 'there is an experiment % already', experiment
            using errcode = '22023', hint = 'Choose another name.';
    end if;

    insert into pgfeed.experiment_arms (experiment_id, number, arm, variant, version, weight, slots)
    select
        v_id,
        a.number,
        a.arm,
        split_part(a.variant, '@', 1),
        nullif(split_part(a.variant, '@', 2), '')::integer,
        a.weight,
        int4range(
            ((a.upper_weight - a.weight) * v_slot_count / 10000)::integer,
            (a.upper_weight * v_slot_count / 10000)::integer
        )
    from (
        select
            u.number,
            u.arm,
            u.variant,
            u.weight,
            sum(u.weight) over (order by u.number) as upper_weight
        from unnest(v_arms, variants, v_weights) with ordinality as u (arm, variant, weight, number)
    ) as a;

    v_problem := pgfeed._arm_problems(v_id);
    if v_problem is not null then
        raise warning 'experiment % cannot start yet: %', experiment, v_problem;
    end if;
end;
$$;

alter procedure pgfeed.create_experiment(text, text[], integer[], text[], text, double precision)
owner to pgfeed_owner;

comment on procedure pgfeed.create_experiment(text, text[], integer[], text[], text, double precision) is
    'Makes an experiment, not started, and warns of arms that could not serve. A variant is a model''s (test), a pinned version of it (test@3), popular or '
    'random; the first arm is the baseline. weights in hundredths of a percent, null: equal; arms: their names, '
    'null: the variants; salt null: a new one; expected_lift: the relative gain worth finding';

revoke all on procedure pgfeed.create_experiment(text, text[], integer[], text[], text, double precision) from public;
grant execute on procedure pgfeed.create_experiment(text, text[], integer[], text[], text, double precision)
to pgfeed_operator;
