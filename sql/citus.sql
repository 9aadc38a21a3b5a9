-- Spreads pgfeed over the nodes of a Citus 13. Run once by a superuser on the coordinator, after `migrate`, before or after
-- loading: psql -f sql/citus.sql. Every node has the extension citus and is known to the coordinator (citus_add_node).
\set ON_ERROR_STOP on
\set QUIET on
\pset tuples_only on
\o /dev/null

-- Days are UTC. Functions say so themselves, but what they send to the workers is evaluated with the workers' setting.
select format('alter database %I set timezone = ''UTC''', current_database()) \gexec
do $$
begin
    if exists (select from run_command_on_workers('show timezone') where result <> 'UTC') then
        raise 'the time zone of a worker is not UTC' using hint = 'Set it there as this file sets it here.';
    end if;
end;
$$;

begin;
set local client_min_messages = warning;
set local citus.multi_shard_modify_mode = 'sequential';

-- A query goes to the workers under the role that runs it. For all functions that is pgfeed_owner: it needs to log in there.
alter role pgfeed_owner login;

-- Only grants on whole tables reach the shards, and a view's tables are read under the caller's role. So writers could
-- set recorded_at here, which they must leave to its default; readers see the profiles in user_features anyway.
grant insert on pgfeed.feed_events to pgfeed_writer;
grant select on pgfeed.users to pgfeed_reader, pgfeed_operator;

-- Whatever belongs to one user is on one node: a request asks one node, and rollups and reports join without moving rows.
select create_distributed_table('pgfeed.users', 'user_id');
select create_distributed_table('pgfeed.feed_events', 'user_id', colocate_with => 'pgfeed.users');
select create_distributed_table('pgfeed.user_topic_days', 'user_id', colocate_with => 'pgfeed.users');
select create_distributed_table('pgfeed.liked_posts', 'user_id', colocate_with => 'pgfeed.users');
select create_distributed_table('pgfeed.marked_posts', 'user_id', colocate_with => 'pgfeed.users');
select create_distributed_table('pgfeed.exposures', 'user_id', colocate_with => 'pgfeed.users');
select create_distributed_table('pgfeed.recommendations', 'user_id', colocate_with => 'pgfeed.users');
select create_distributed_table('pgfeed.user_vectors', 'user_id', colocate_with => 'pgfeed.users');

-- Every node has a copy of these, for the rollup joins events with posts. Models, feature packs, materialized views and the
-- small tables stay on the coordinator: functions run there, and only they read them.
-- Which has no triggers: the next ingest or refresh notes what was deleted.
drop trigger if exists remember_deleted_posts on pgfeed.posts;
drop trigger if exists remember_truncated_posts on pgfeed.posts;
select create_reference_table('pgfeed.posts');
select create_reference_table('pgfeed.actions');
commit;
