create or replace function pgfeed._missing_indexes()
returns table (
    relation text,
    definition text,
    remedy text
)
language plpgsql stable
cost 10000 rows 1
set search_path = pg_catalog, pg_temp
as $$
begin
    return query
    select
        c.relname::text,
        x.kind || ' ' || x.definition,
        case x.kind
            when 'primary key'
                then format('alter table pgfeed.%I add primary key %s', c.relname, replace(x.definition, 'btree ', ''))
            else format(
                'create %s%s on pgfeed.%I using %s',
                x.kind, case when c.relkind = 'p' then '' else ' concurrently' end, c.relname, x.definition
            )
        end
    from (
        values
        ('embedders', 'primary key', 'btree (embedder_id)'),
        ('embedders', 'unique index', 'btree (embedder_id, dimensions)'),
        ('embedders', 'unique index', 'btree (is_active) WHERE is_active'),
        ('embedders', 'unique index', 'btree (name, checkpoint)'),
        ('evaluations', 'primary key', 'btree (evaluation_id)'),
        ('experiment_arms', 'primary key', 'btree (experiment_id, arm)'),
        ('experiment_arms', 'unique index', 'btree (experiment_id, number)'),
        ('experiments', 'primary key', 'btree (experiment_id)'),
        ('experiments', 'unique index', 'btree ((true)) WHERE ((started_at IS NOT NULL) AND (stopped_at IS NULL))'),
        ('experiments', 'unique index', 'btree (name)'),
        ('exposures', 'primary key', 'btree (user_id, served_at, exposure_id)'),
        ('exposures', 'index', 'brin (served_at) WITH (pages_per_range=''32'')'),
        ('exposures_default', 'index', 'btree (served_at)'),
        ('deleted_posts', 'primary key', 'btree (post_id)'),
        ('liked_posts', 'primary key', 'btree (user_id, post_id) INCLUDE (liked_at)'),
        ('marked_posts', 'primary key', 'btree (user_id, post_id)'),
        ('actions', 'primary key', 'btree (action)'),
        ('liked_posts', 'index', 'btree (liked_at)'),
        ('posts', 'index', 'btree (post_id) WHERE (hidden_at IS NOT NULL)'),
        ('feed_events_default', 'index', 'btree (event_at)'),
        ('exposures', 'index', 'btree (experiment_id, served_at) WHERE (experiment_id IS NOT NULL)'),
        ('attached_tables', 'primary key', 'btree (attachment_id)'),
        ('attached_tables', 'unique index', 'btree (kind) WHERE (kind <> ''events''::text)'),
        ('attributes', 'primary key', 'btree (kind, name)'),
        ('own_features', 'primary key', 'btree (name)'),
        ('own_feature_values', 'primary key', 'btree (name, id)'),
        ('named_feeds', 'primary key', 'btree (feed_id)'),
        ('named_feeds', 'unique index', 'btree (name)'),
        ('feed_posts', 'primary key', 'btree (pack_id, feed_id)'),
        ('cursor_keys', 'primary key', 'btree (made_at)'),
        ('place_effects', 'primary key', 'btree (until, place)'),
        ('feature_packs', 'primary key', 'btree (pack_id)'),
        ('feature_packs', 'unique index', 'btree (as_of)'),
        ('feature_refreshes', 'primary key', 'btree (refresh_id)'),
        ('feed_events', 'primary key', 'btree (user_id, event_at, post_id, action) INCLUDE (target)'),
        ('feed_events', 'index', 'brin (event_at) WITH (pages_per_range=''32'')'),
        ('feed_events', 'index', 'brin (recorded_at) WITH (pages_per_range=''32'')'),
        ('ingest_files', 'primary key', 'btree (ingest_id)'),
        ('ingest_rejects', 'primary key', 'btree (reject_id)'),
        ('ingest_rejects', 'index', 'btree (ingest_id)'),
        ('jobs', 'primary key', 'btree (job_id)'),
        ('jobs', 'index', 'btree (job_id) WHERE (finished_at IS NULL)'),
        ('model_activations', 'primary key', 'btree (activation_id)'),
        ('model_activations', 'index', 'btree (variant, activation_id DESC)'),
        ('model_decisions', 'primary key', 'btree (decision_id)'),
        ('model_decisions', 'index', 'btree (variant, decision_id DESC)'),
        ('schedules', 'primary key', 'btree (variant)'),
        ('upkeep', 'primary key', 'btree (is_only)'),
        ('tick_steps', 'primary key', 'btree (step)'),
        ('models', 'primary key', 'btree (model_id)'),
        ('models', 'unique index', 'btree (variant, version)'),
        ('post_components', 'primary key', 'btree (post_id)'),
        ('post_days', 'primary key', 'btree (day, post_id)'),
        ('post_days', 'index', 'btree (post_id, day)'),
        ('post_embeddings', 'primary key', 'btree (embedder_id, post_id)'),
        ('post_embeddings', 'index', 'btree (post_id)'),
        ('post_features', 'unique index', 'btree (post_id)'),
        ('post_text_features', 'unique index', 'btree (post_id)'),
        ('_text_statistics', 'unique index', 'btree (lexeme, post_id)'),
        ('post_vectors', 'primary key', 'btree (post_id)'),
        ('posts', 'primary key', 'btree (post_id)'),
        ('posts', 'index', 'btree (post_id) WHERE (key IS NOT NULL)'),
        ('users', 'index', 'btree (user_id) WHERE (key IS NOT NULL)'),
        ('posts', 'index', 'btree (created_at DESC) WHERE is_new'),
        ('posts', 'index', 'btree (created_at DESC) WHERE (created_at IS NOT NULL)'),
        ('recommendation_batches', 'primary key', 'btree (batch_id)'),
        ('recommendation_batches', 'unique index', 'btree (((finished_at IS NULL))) WHERE (finished_at IS NULL)'),
        ('recommendation_chunks', 'primary key', 'btree (batch_id, chunk_number)'),
        ('recommendations', 'primary key', 'btree (user_id, rank)'),
        ('recommendations', 'index', 'btree (post_id)'),
        ('recommendations', 'index', 'btree (recommended_at)'),
        ('rollup_days', 'primary key', 'btree (day)'),
        ('rollup_watermarks', 'primary key', 'btree (is_only)'),
        ('served_counts', 'unique index', 'btree (day, feed, variant, rank, topic) NULLS NOT DISTINCT'),
        ('user_features', 'unique index', 'btree (user_id)'),
        ('user_topic_days', 'primary key', 'btree (user_id, day, topic)'),
        ('user_topic_days', 'index', 'brin (day) WITH (pages_per_range=''32'')'),
        ('user_topic_features', 'unique index', 'btree (user_id, topic)'),
        ('user_vectors', 'primary key', 'btree (user_id)'),
        ('users', 'primary key', 'btree (user_id)')
    ) as x (relation, kind, definition)
    inner join pg_class as c on c.relnamespace = 'pgfeed'::regnamespace and c.relname = x.relation
    where not exists (
        select
        from pg_index as i
        where
            i.indrelid = c.oid
            and i.indisunique = (x.kind <> 'index')
            and substring(pg_get_indexdef(i.indexrelid) from ' USING (.*)') = x.definition
    );
end;
$$;

alter function pgfeed._missing_indexes() owner to pgfeed_owner;

comment on function pgfeed._missing_indexes() is
    'One row per index of the schema that is not there, under whatever name, and the statement that makes it';

revoke all on function pgfeed._missing_indexes() from public;
