create or replace procedure pgfeed._commit(
    inout is_committed boolean default null
)
language plpython3u
as $$
try:
    plpy.commit()
except plpy.spiexceptions.InvalidTransactionTermination:
    return (False,)
return (True,)
$$;

alter procedure pgfeed._commit(boolean) owner to pgfeed_owner;

comment on procedure pgfeed._commit(boolean) is
    'Commits, and says whether it could: inside a transaction block nothing can, which PL/pgSQL cannot catch';

revoke all on procedure pgfeed._commit(boolean) from public;
grant execute on procedure pgfeed._commit(boolean) to pgfeed_operator;
