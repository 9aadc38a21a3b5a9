create or replace function pgfeed._answer_training()
returns void
language plpython3u
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
set timezone = 'UTC'
set datestyle = 'ISO, YMD'
set standard_conforming_strings = on
set cursor_tuple_fraction = 1
as $$
--!include plpy/answer_training.py


if "pgfeed.training" not in GD:
    plpy.error("no model is being trained in this session", hint="Run: call pgfeed.train_model('control')", sqlstate="55000")
return _answer_training(plpy, GD["pgfeed.training"])
$$;

alter function pgfeed._answer_training() owner to pgfeed_owner;

comment on function pgfeed._answer_training() is
    'Runs the statement that the training process of this session waits for, as pgfeed_owner, and sends it the rows: '
    'no argument, so that only what train_model() started can ask';

revoke all on function pgfeed._answer_training() from public;
grant execute on function pgfeed._answer_training() to pgfeed_operator;
