create or replace procedure pgfeed._stop_gate(
    variant text default null
)
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update pgfeed.experiments as e
    set stopped_at = now()
    where
        e.started_at is not null
        and e.stopped_at is null
        and e.experiment_id in (select d.experiment_id from pgfeed.model_decisions as d where d.experiment_id is not null
            and (_stop_gate.variant is null or d.variant = _stop_gate.variant));
end;
$$;

alter procedure pgfeed._stop_gate(text) owner to pgfeed_owner;

comment on procedure pgfeed._stop_gate(text) is 'Ends the experiment in which a champion keeps a share, if one runs; variant: only if it is of this one';

revoke all on procedure pgfeed._stop_gate(text) from public;
