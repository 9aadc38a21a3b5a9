create or replace function pgfeed._like_window()
returns interval
language sql immutable parallel safe
return interval '1 hour';

alter function pgfeed._like_window() owner to pgfeed_owner;

comment on function pgfeed._like_window() is
    'How long after a view a like of the same post by the same user belongs to it, and another view of it repeats it';

revoke all on function pgfeed._like_window() from public;
