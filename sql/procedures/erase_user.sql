create or replace procedure pgfeed.erase_user(key text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set work_mem = '128MB'
as $$
#variable_conflict use_column
declare
    v_user_id constant bigint := pgfeed.user_id_of(erase_user.key);
    v_pattern constant text := format(
        '(^|[^[:alnum:]])(%s|%s)($|[^[:alnum:]])', v_user_id, regexp_replace(erase_user.key, '([^[:alnum:]])', E'\\\\\\1', 'g')
    );
    v_first date;
    v_models text;
begin
    if v_user_id is null then
        raise exception 'the key is null' using errcode = '22004', hint = 'Give the key of a user.';
    end if;
    call pgfeed._require_detached_user(v_user_id);
    v_first := least(
        (select min(e.event_at) from pgfeed.feed_events as e where e.user_id = v_user_id)::date,
        (select min(t.day) from pgfeed.user_topic_days as t where t.user_id = v_user_id)
    );
    select string_agg(format('%s %s', m.variant, m.version), ', ' order by m.variant, m.version) into v_models
    from pgfeed.models as m
    where m.trained_until > v_first;

    call pgfeed._forget_profile(v_user_id);
    call pgfeed._take_out_user(v_user_id, null);
    update pgfeed.ingest_rejects as r
    set reason = split_part(r.reason, ':', 1) || ': (erased)', content = null
    where r.content ~ v_pattern or r.reason ~ v_pattern;
    update pgfeed.attachment_errors as r set message = '(erased)' where r.message ~ v_pattern;

    call pgfeed._leave_out_user(v_user_id);
    if v_models is not null then
        raise notice 'these models have learned from this user: %', v_models
            using hint = 'The next training learns nothing from this user: pgfeed train VARIANT --activate';
    end if;
end;
$$;

alter procedure pgfeed.erase_user(text) owner to pgfeed_owner;

comment on procedure pgfeed.erase_user(text) is
    'Deletes all that tells of a user, known or not, in one transaction: profile, events, likes, features, exposures, lists, '
    'and rows of rejected input that name the key. Counts of posts lose what this user added, except on days whose events are gone. '
    'Post vectors and packs, sums over all users, follow with the next refresh_features(); a notice names the models that '
    'have learned from the user. Refused while an attached table still has rows of the user';

revoke all on procedure pgfeed.erase_user(text) from public;
grant execute on procedure pgfeed.erase_user(text) to pgfeed_operator;
