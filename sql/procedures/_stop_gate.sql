create or replace procedure pgfeed._stop_gate()
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
    update pgfeed.experiments as e
    set stopped_at = now()
    where
        e.started_at is not null
        and e.stopped_at is null
        and e.experiment_id in (select d.experiment_id from pgfeed.model_decisions as d where d.experiment_id is not null);
end;
$$;

alter procedure pgfeed._stop_gate() owner to pgfeed_owner;

comment on procedure pgfeed._stop_gate() is 'Ends the experiment in which a champion keeps a share, if one runs';

revoke all on procedure pgfeed._stop_gate() from public;
