create or replace procedure pgfeed.drop_feed(name text)
language plpgsql
security definer
set search_path = pg_catalog, pg_temp
set row_security = off
as $$
#variable_conflict use_column
begin
    if current_setting('transaction_read_only')::boolean then
        raise exception 'drop_feed removes a feed, and nothing can be written here'
            using errcode = '25006', hint = 'Call it on the primary, outside of a read-only transaction.';
    end if;
    delete from pgfeed.named_feeds as f where f.name = drop_feed.name;
    if not found then
        raise exception 'there is no feed %', coalesce(quote_literal(name), 'null')
            using errcode = '42704', hint = 'See: select name from pgfeed.feeds';
    end if;
end;
$$;

alter procedure pgfeed.drop_feed(text) owner to pgfeed_owner;

comment on procedure pgfeed.drop_feed(text) is 'Removes a feed: calls that name it fail from then on';

revoke all on procedure pgfeed.drop_feed(text) from public;
grant execute on procedure pgfeed.drop_feed(text) to pgfeed_operator;
