create or replace function pgfeed._like_window()
returns interval
language sql immutable parallel safe
return interval '1 hour';

alter function pgfeed._like_window() owner to pgfeed_owner;

comment on function pgfeed._like_window() is
    'How long after a view a like of the same post by the same user still belongs to it';

revoke all on function pgfeed._like_window() from public;
