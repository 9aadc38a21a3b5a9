create or replace procedure pgfeed.ask_for_embedding(
    embedder text default null,
    inout job_id integer default null
)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
declare
    v_settings constant jsonb := jsonb_strip_nulls(jsonb_build_object('embedder', embedder));
begin
    if embedder !~ '^(use|minilm|roberta|(roberta|bert):.+)$' then
        raise exception 'there is no embedder %', quote_literal(embedder)
            using errcode = '22023', hint = 'Give one of: use, minilm, roberta, roberta:NAME-OR-FOLDER, bert:NAME-OR-FOLDER.';
    end if;
    perform pg_advisory_xact_lock(hashtext('pgfeed.ask_for_job'));
    select j.job_id into ask_for_embedding.job_id
    from pgfeed.jobs as j
    where j.kind = 'embed' and j.settings = v_settings and j.finished_at is null
    limit 1;
    if not found then
        insert into pgfeed.jobs (kind, settings)
        values ('embed', v_settings)
        returning job_id into ask_for_embedding.job_id;
    end if;
end;
$$;

alter procedure pgfeed.ask_for_embedding(text, integer) owner to pgfeed_owner;

comment on procedure pgfeed.ask_for_embedding(text, integer) is
    'Asks a worker (pgfeed worker) to embed new and changed texts as pgfeed embed does, and gives the job; the same job if that '
    'is asked for already. embedder null: the one that answers now, else the default of pgfeed embed';

revoke all on procedure pgfeed.ask_for_embedding(text, integer) from public;
grant execute on procedure pgfeed.ask_for_embedding(text, integer) to pgfeed_operator;
