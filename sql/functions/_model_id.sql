create or replace function pgfeed._model_id(
    variant text,
    version integer
)
returns bigint
language plpgsql stable parallel safe
set search_path = pg_catalog, pg_temp
as $$
declare
    v_model_id bigint;
begin
    select m.model_id into v_model_id
    from pgfeed.models as m
    where m.variant = _model_id.variant and m.version = _model_id.version and m.deleted_at is null;
    if v_model_id is null then
        if version is null and variant is not null then
            raise exception '%', case
                when exists (select from pgfeed.model_versions as m where m.variant = _model_id.variant)
                    then format('no version of %s is named', variant)
                else format('there is no model %s', variant)
            end
                using errcode = '22023', hint = 'See: select variant, version, created_at from pgfeed.model_versions';
        end if;
        raise exception 'there is no model % version %', coalesce(variant, 'null'), coalesce(version::text, 'null')
            using errcode = '22023', hint = 'See: select variant, version, created_at from pgfeed.model_versions';
    end if;
    return v_model_id;
end;
$$;

alter function pgfeed._model_id(text, integer) owner to pgfeed_owner;

comment on function pgfeed._model_id(text, integer) is
    'The model_id of a stored version; an error if there is none or it was deleted';

revoke all on function pgfeed._model_id(text, integer) from public;
