CREATE SCHEMA feed_bi;
COMMENT ON SCHEMA feed_bi IS 'What BI tools show of pgfeed: views of the relations with the same names there, see pgfeed.set_bi_schema()';
CREATE SCHEMA pgfeed;
COMMENT ON SCHEMA pgfeed IS 'A post recommender inside PostgreSQL';
CREATE TYPE pgfeed.contribution AS (
	rank integer,
	feature text,
	value real,
	contribution double precision,
	advantage double precision,
	label text,
	because text
);
COMMENT ON TYPE pgfeed.contribution IS 'One row per feature of an explained score';
CREATE TYPE pgfeed.keyed_recommendation AS (
	rank integer,
	post_key text,
	topic text,
	text text,
	score double precision,
	variant text,
	source text,
	model_version integer,
	features_as_of timestamp with time zone,
	cursor text
);
COMMENT ON TYPE pgfeed.keyed_recommendation IS 'One row per recommended post, as recommendation, by the application''s own key';
CREATE TYPE pgfeed.keyed_similar_user AS (
	rank integer,
	user_key text,
	similarity double precision
);
COMMENT ON TYPE pgfeed.keyed_similar_user IS 'One row per neighbour of a user, as similar_user, by the application''s own key';
CREATE TYPE pgfeed.listed_post AS (
	rank integer,
	post_id bigint,
	topic text,
	text text,
	score double precision
);
COMMENT ON TYPE pgfeed.listed_post IS 'One row per post of a list that is the same for everybody';
COMMENT ON COLUMN pgfeed.listed_post.score IS 'What it is ranked by. trending_posts: standard deviations; newest_posts: minus its age in days; popular_posts: log-odds of a like';
CREATE TYPE pgfeed.off_policy_estimate AS (
	metric text,
	estimator text,
	value double precision,
	low double precision,
	high double precision,
	list_count bigint,
	user_count bigint,
	effective_size double precision,
	support double precision,
	refusal text
);
COMMENT ON TYPE pgfeed.off_policy_estimate IS 'One row per metric and estimator of what a version that was not served would have had';
COMMENT ON COLUMN pgfeed.off_policy_estimate.metric IS 'likes per list: posts of a list that are liked; likes per place: the same by the places of a list';
COMMENT ON COLUMN pgfeed.off_policy_estimate.estimator IS 'logged: of what was served, to compare with; the others: see the explanation of off-policy estimates';
COMMENT ON COLUMN pgfeed.off_policy_estimate.low IS 'From here to high: the 95% interval, over users';
COMMENT ON COLUMN pgfeed.off_policy_estimate.effective_size IS 'How many lists of the version itself would tell as much: (sum of weights) squared / sum of squared weights';
COMMENT ON COLUMN pgfeed.off_policy_estimate.support IS 'The mean weight: which share of what the version shows could be shown, by likes; about 1: all of it';
COMMENT ON COLUMN pgfeed.off_policy_estimate.refusal IS 'Why there is no estimate; null: there is one';
CREATE TYPE pgfeed.probe AS (
	name text,
	status text,
	found text,
	remedy text,
	figures jsonb
);
COMMENT ON TYPE pgfeed.probe IS 'One row per thing that health() looks at';
COMMENT ON COLUMN pgfeed.probe.status IS 'ok, warn (works, but look at it) or fail';
COMMENT ON COLUMN pgfeed.probe.remedy IS 'The command that mends it; null: ok';
COMMENT ON COLUMN pgfeed.probe.figures IS 'The numbers behind it by name, with the unit at the end: ages and durations in seconds, sizes in bytes';
CREATE TYPE pgfeed.ranked_post AS (
	rank integer,
	post_id bigint,
	score double precision,
	status text
);
COMMENT ON TYPE pgfeed.ranked_post IS 'One row per post that was to be ranked';
COMMENT ON COLUMN pgfeed.ranked_post.rank IS 'Null: the post would not be recommended';
COMMENT ON COLUMN pgfeed.ranked_post.score IS 'As in recommendation; null: the post is unknown or unavailable';
COMMENT ON COLUMN pgfeed.ranked_post.status IS 'ranked; unknown: there is no such post; unavailable: it is hidden or withdrawn, or was added after ts or after the last refresh; liked: by the user before ts; hidden: by another of the user''s actions';
CREATE TYPE pgfeed.recommendation AS (
	rank integer,
	post_id bigint,
	topic text,
	text text,
	score double precision,
	variant text,
	source text,
	model_version integer,
	features_as_of timestamp with time zone,
	cursor text
);
COMMENT ON TYPE pgfeed.recommendation IS 'One row per recommended post';
COMMENT ON COLUMN pgfeed.recommendation.score IS 'The model''s raw value, log-odds of a like relative to an average impression; without a model the log-odds of the decayed like rate';
COMMENT ON COLUMN pgfeed.recommendation.source IS 'model; cold_start: the user has neither profile nor history; popular: no usable model, or the variant popular; random: the variant random';
COMMENT ON COLUMN pgfeed.recommendation.features_as_of IS 'No later event is in the features of the posts';
COMMENT ON COLUMN pgfeed.recommendation.cursor IS 'What `after` of the next page is, if this is the last row';
CREATE TYPE pgfeed.served_list AS (
	rows pgfeed.recommendation[],
	propensities real[],
	exploration text,
	seed bigint
);
COMMENT ON TYPE pgfeed.served_list IS 'One list of a feed: its rows, the rest as in exposures';
CREATE TYPE pgfeed.similar_post AS (
	rank integer,
	post_id bigint,
	topic text,
	text text,
	similarity double precision
);
COMMENT ON TYPE pgfeed.similar_post IS 'One row per neighbour of a post or of a search text';
COMMENT ON COLUMN pgfeed.similar_post.similarity IS 'Cosine of the embeddings, -1 to 1; 1: the same';
CREATE TYPE pgfeed.similar_user AS (
	rank integer,
	user_id bigint,
	similarity double precision
);
COMMENT ON TYPE pgfeed.similar_user IS 'One row per neighbour of a user';
COMMENT ON COLUMN pgfeed.similar_user.similarity IS 'Cosine of the vectors of the factor model, -1 to 1; 1: the same';
CREATE FUNCTION pgfeed._access_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 1000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._access_probes() IS 'The rows of health() about what hides rows from functions';
CREATE PROCEDURE pgfeed._activate(IN variant text, IN version integer, IN replaced_activation_id bigint, INOUT activation_id bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._activate(IN variant text, IN version integer, IN replaced_activation_id bigint, INOUT activation_id bigint) IS 'Lets a version serve its variant from the next call on. replaced_activation_id: what a rollback goes back to';
CREATE FUNCTION pgfeed._add_posts_of_events(attachment_id smallint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._add_posts_of_events(attachment_id smallint) IS 'Where no posts are attached, makes those that events name and nobody deleted, without text and topic';
CREATE FUNCTION pgfeed._answer_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._answer_probes() IS 'The row of health() about the answers of serve_posts() of the last day beside those of the week before, of samples of a thousand; none where there are fewer than fifty';
CREATE FUNCTION pgfeed._answer_training() RETURNS void
    LANGUAGE plpython3u SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET standard_conforming_strings TO 'on'
    SET cursor_tuple_fraction TO '1'
    AS '...';
COMMENT ON FUNCTION pgfeed._answer_training() IS 'Runs the statement that the training process of this session waits for, as pgfeed_owner, and sends it the rows: no argument, so that only what train_model() started can ask';
CREATE PROCEDURE pgfeed._apply_partition_changes(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, INOUT is_done boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._apply_partition_changes(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, INOUT is_done boolean) IS 'Makes the oldest 200 logged changes of rows in the copies of _copy_partitions(). is_done: these were all; null: the copies are of no use any more, as another session made others or somebody emptied a partition';
CREATE FUNCTION pgfeed._arm_problems(experiment_id integer) RETURNS text
    LANGUAGE plpgsql STABLE COST 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._arm_problems(experiment_id integer) IS 'Why models of an experiment''s arms cannot serve; null: all can';
CREATE PROCEDURE pgfeed._attach(IN kind text, IN relation text, IN settings jsonb, IN sync text)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed._attach(IN kind text, IN relation text, IN settings jsonb, IN sync text) IS 'Attaches a relation of the application with the rights of the caller, who owns it, and loads it: outside of a transaction block it commits as it goes. Interrupted, the load goes on with the next refresh';
CREATE TABLE pgfeed.attached_tables (
    attachment_id smallint NOT NULL,
    kind text NOT NULL,
    relation regclass NOT NULL,
    relation_name text NOT NULL,
    sync text NOT NULL,
    settings jsonb NOT NULL,
    is_loaded boolean DEFAULT false NOT NULL,
    attached_at timestamp with time zone DEFAULT now() NOT NULL,
    attached_by text DEFAULT SESSION_USER NOT NULL,
    synced_at timestamp with time zone,
    compared_at timestamp with time zone,
    row_count bigint,
    rejected_count bigint DEFAULT 0 NOT NULL,
    CONSTRAINT attached_tables_kind_check CHECK ((kind = ANY (ARRAY['users'::text, 'posts'::text, 'events'::text]))),
    CONSTRAINT attached_tables_sync_check CHECK ((sync = ANY (ARRAY['trigger'::text, 'mixed'::text, 'pull'::text])))
);
COMMENT ON TABLE pgfeed.attached_tables IS 'One row per table of the application that pgfeed follows: see attach_users(), attach_posts(), attach_events()';
COMMENT ON COLUMN pgfeed.attached_tables.relation_name IS 'As it was called when it was attached';
COMMENT ON COLUMN pgfeed.attached_tables.sync IS 'trigger: a write reaches pgfeed in its transaction; pull: refresh_features() reads what is new; mixed: new rows as by pull, other writes as by trigger';
COMMENT ON COLUMN pgfeed.attached_tables.settings IS 'What attach_*() was told: SQL expressions over the relation by name, and key_types, the types of its keys';
COMMENT ON COLUMN pgfeed.attached_tables.is_loaded IS 'False: the first load is not complete, the next one goes on';
COMMENT ON COLUMN pgfeed.attached_tables.synced_at IS 'Rows that were committed before are here';
COMMENT ON COLUMN pgfeed.attached_tables.compared_at IS 'When all days, not only the newest, were compared last';
COMMENT ON COLUMN pgfeed.attached_tables.row_count IS 'Rows that are here, as of synced_at';
COMMENT ON COLUMN pgfeed.attached_tables.rejected_count IS 'Rows of the relation that cannot be taken, such as those without a key, as of synced_at';
CREATE FUNCTION pgfeed._attach_again(attached pgfeed.attached_tables) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._attach_again(attached pgfeed.attached_tables) IS 'The statements that attach a table anew as it was attached, with the names that its columns have now';
CREATE PROCEDURE pgfeed._attach_months(IN parent text, IN months timestamp with time zone[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '10ms'
    SET max_parallel_workers_per_gather TO '0'
    AS '...';
COMMENT ON PROCEDURE pgfeed._attach_months(IN parent text, IN months timestamp with time zone[]) IS 'Makes tables partitions of these months, and drops those of months that have rows in the default partition. Fails as if a lock were not to be had where reading the default partition, for which others wait, takes more than 10 ms';
CREATE FUNCTION pgfeed._attached_rows(kind text, settings jsonb, source text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._attached_rows(kind text, settings jsonb, source text) IS 'SQL that gives what pgfeed takes of an attached table: one row per row of source, the relation or a transition table with its alias, that has keys and, of events, a time. Columns as those of users, posts (is_available instead of hidden_at) or feed_events';
CREATE FUNCTION pgfeed._attachment(attachment_id smallint, OUT relation regclass, OUT sync text, OUT columns text[], OUT has_policies boolean) RETURNS record
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._attachment(attachment_id smallint, OUT relation regclass, OUT sync text, OUT columns text[], OUT has_policies boolean) IS 'The relation of an attachment, how it is followed, the columns that pgfeed_owner has to read, and whether policies hide rows';
CREATE FUNCTION pgfeed._attachment_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 10000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._attachment_probes() IS 'The row of health() about the tables of the application that are followed';
CREATE FUNCTION pgfeed._attachment_problems(attachment_id smallint) RETURNS TABLE(problem text, remedy text, is_fatal boolean)
    LANGUAGE plpgsql STABLE COST 1000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._attachment_problems(attachment_id smallint) IS 'One row per way in which an attached table is not what it was, with the statement that mends it; is_fatal: no refresh can be right before';
CREATE FUNCTION pgfeed._attachments_of(name text, known regclass, action text, kind text) RETURNS TABLE(attachment_id smallint, relation regclass)
    LANGUAGE plpgsql STABLE SECURITY DEFINER ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._attachments_of(name text, known regclass, action text, kind text) IS 'One row per attachment of a relation; one that was dropped is found by its name of then, its relation is null';
CREATE FUNCTION pgfeed._attribute_columns() RETURNS TABLE(number bigint, name text, value text, key text, source text)
    LANGUAGE plpgsql STABLE ROWS 10 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._attribute_columns() IS 'One row per own feature of posts, for _post_pack(): value is SQL over posts as p that gives its number at $1; of categories and tags the place of key, the value as text (tags: a JSON array of at most 2,000 characters), among all, from 0. source: what is to be joined for it with posts as f, of which $3 are chosen';
CREATE FUNCTION pgfeed._attribute_type(name text, type text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._attribute_type(name text, type text) IS 'How a feature of this name and SQL type is used: number, boolean, category, tags or date';
CREATE PROCEDURE pgfeed._begin_step(IN step text, IN at timestamp with time zone, INOUT is_alone boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._begin_step(IN step text, IN at timestamp with time zone, INOUT is_alone boolean) IS 'Writes down that tick() begins a step, and says whether no other session is at one';
CREATE FUNCTION pgfeed._bi_schema() RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._bi_schema() IS 'The schema that set_bi_schema() made, under whatever name it has now; null: there is none';
CREATE FUNCTION pgfeed._catalogue_count(as_of timestamp with time zone) RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._catalogue_count(as_of timestamp with time zone) IS 'How many posts there were before a moment: rows of post_features_as_of()';
CREATE PROCEDURE pgfeed._check_actions()
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '40ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed._check_actions() IS 'Lets feed_events take the actions that there are, and a target only where it can be a like. Nobody waits for more than about 100 ms';
CREATE FUNCTION pgfeed._check_feed(settings jsonb) RETURNS void
    LANGUAGE plpgsql STABLE COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._check_feed(settings jsonb) IS 'Raises the one error that says what create_feed() cannot take, the filter aside';
CREATE PROCEDURE pgfeed._check_recipe(IN variant text, IN recipe text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._check_recipe(IN variant text, IN recipe text) IS 'Raises if no model of a variant can be trained by a recipe, a name or a text of TOML, by what the recipe says';
CREATE FUNCTION pgfeed._chi_square_tail(x double precision, degrees integer) RETURNS double precision
    LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._chi_square_tail(x double precision, degrees integer) IS 'Probability that a chi-square variable of some degrees of freedom is above x. With one degree and x = z * z: the two-sided p-value of a normal z';
CREATE FUNCTION pgfeed._chosen_factors(post_ids bytea, all_ids bytea, factors bytea) RETURNS bytea
    LANGUAGE plpython3u IMMUTABLE COST 100000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._chosen_factors(post_ids bytea, all_ids bytea, factors bytea) IS 'What _post_factors() gives for all posts, for some of them, zeros for others: a pack holds a shortlist of a large catalogue. Ids are ascending big-endian int8';
CREATE PROCEDURE pgfeed._close_relation(IN attachment_id smallint, IN relation regclass)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._close_relation(IN attachment_id smallint, IN relation regclass) IS 'Takes from a relation what attach_*() put on it, with the rights of the caller; what another attachment needs stays';
CREATE PROCEDURE pgfeed._commit(INOUT is_committed boolean DEFAULT NULL::boolean)
    LANGUAGE plpython3u
    AS '...';
COMMENT ON PROCEDURE pgfeed._commit(INOUT is_committed boolean) IS 'Commits, and says whether it could: inside a transaction block nothing can, which PL/pgSQL cannot catch';
CREATE FUNCTION pgfeed._compiled_filter(filter text) RETURNS jsonb
    LANGUAGE plpython3u SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._compiled_filter(filter text) IS 'What a feed''s filter is made of: the columns that it reads, the conditions on posts alone, the comparisons of a post with the moment, and the conditions that take both, as SQL; an error says why it cannot be a filter. It is not run';
CREATE PROCEDURE pgfeed._compute_own_features(IN as_of timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._compute_own_features(IN as_of timestamp with time zone) IS 'Stores the own features of all users and posts as of a moment, and how long each took';
CREATE PROCEDURE pgfeed._copy_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed._copy_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text) IS 'Copies rows into the tables that will be partitions, without a lock that others wait for';
CREATE PROCEDURE pgfeed._count_events(IN days date[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._count_events(IN days date[]) IS 'Notes how many events these days, which are in order, have now: those with fewer than were counted are not to be recomputed, nor those that had ended with fewer';
CREATE PROCEDURE pgfeed._count_removed_events()
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._count_removed_events() IS 'Marks the days of removed_events for roll_up_events(), which may then count fewer events than before, forgets likes that are gone, and empties removed_events';
CREATE PROCEDURE pgfeed._count_served(IN days date[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._count_served(IN days date[]) IS 'Counts anew what became of the lists of the days that were rolled up, of the days before them, and of the newest two days with lists, see served_counts. What is read: the exposures and events of these days';
CREATE PROCEDURE pgfeed._count_user_topics(IN user_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._count_user_topics(IN user_id bigint) IS 'Counts user_topic_days of a user anew, on the days that are rolled up from the events that are there';
CREATE FUNCTION pgfeed._counting_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 3
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._counting_probes() IS 'The rows of health() about what is counted. More than 1,000 events a day, 25 times the longest session of a day that the simulated network is made after, are no human''s: one a minute for 17 hours';
CREATE PROCEDURE pgfeed._create_partitions(IN parent text, IN from_at timestamp with time zone, IN to_at timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed._create_partitions(IN parent text, IN from_at timestamp with time zone, IN to_at timestamp with time zone) IS 'Makes the missing monthly partitions (UTC) of a table from one moment to another, both included; those more than a year from now for a session of pgfeed_operator or pgfeed_owner only';
CREATE FUNCTION pgfeed._data_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._data_probes() IS 'The rows of health() about rejected rows, roll-ups, features and embeddings';
CREATE FUNCTION pgfeed._date_of(value text) RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._date_of(value text) IS 'A text as a moment, UTC if it does not say a zone; null: it is none';
CREATE PROCEDURE pgfeed._decide(IN variant text, IN version integer, IN trial jsonb, INOUT decision text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._decide(IN variant text, IN version integer, IN trial jsonb, INOUT decision text) IS 'Lets a version serve or not, by what was measured where it was trained (trial, see loader/measuring/gate.py) and by the lists that it would give, and writes the decision down. A version is decided on once. decision null: another champion serves than in trial';
CREATE FUNCTION pgfeed._default_months(parent text) RETURNS TABLE(month timestamp with time zone, row_count bigint)
    LANGUAGE plpgsql STABLE STRICT COST 10000 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._default_months(parent text) IS 'One row per month (UTC) that has rows in the default partition of a table: how many';
CREATE FUNCTION pgfeed._default_variant() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN 'control'::text;
COMMENT ON FUNCTION pgfeed._default_variant() IS 'The variant of a call that names none, outside of an experiment, where the setting pgfeed.default_variant is empty';
CREATE PROCEDURE pgfeed._do_step(IN step text, IN at timestamp with time zone, INOUT is_done boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._do_step(IN step text, IN at timestamp with time zone, INOUT is_done boolean) IS 'Does a step of tick() that needs no transaction of its own, and writes down that it was done, or why not. is_done null: another session is at one';
CREATE PROCEDURE pgfeed._drop_event_months(IN until timestamp with time zone, INOUT partition_count integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    SET lock_timeout TO '40ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed._drop_event_months(IN until timestamp with time zone, INOUT partition_count integer) IS 'Drops the partitions of feed_events that ended by a moment, for drop_events()';
CREATE PROCEDURE pgfeed._drop_partition_copies(IN parent text, IN token text, INOUT is_done boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET lock_timeout TO '20ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed._drop_partition_copies(IN parent text, IN token text, INOUT is_done boolean) IS 'Drops what arrange_partitions() leaves under this token, null: under any: the partitions that it replaced, or copies that did not become any, and the log of changes; and gives indexes of the others the names that they have elsewhere. is_done false: a partition is in use, try again';
CREATE FUNCTION pgfeed._due_steps(at timestamp with time zone) RETURNS SETOF text
    LANGUAGE plpgsql STABLE COST 1000 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._due_steps(at timestamp with time zone) IS 'One row per step that tick() is to do at a moment, in order';
CREATE PROCEDURE pgfeed._estimate_places(IN days date[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._estimate_places(IN days date[]) IS 'Adds the versions of place_effects that these days, in order, call for, each from the views of the 1, 3, 9 or 28 days before it, the fewest that hold 200,000, and of a share of the users where they hold more. Where exploration put posts into the first list of a day, chance has chosen their places: what these say counts, the more, the more likes they had. The first version comes with the first day that has 10,000 views before it, the next ones 1, 2, 4, 8, 16 and then always 32 days after the one before. None is changed later, nor made where a later day is already counted: so a day that is counted anew has the version that it had';
CREATE PROCEDURE pgfeed._evaluate_feeds(IN pack_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._evaluate_feeds(IN pack_id bigint) IS 'Stores which posts pass the filters of the feeds as of a pack. Where one cannot be evaluated, a warning says so, and those that passed in the pack before do';
CREATE FUNCTION pgfeed._events_from() RETURNS date
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._events_from() IS 'The first day (UTC) as of which features can be computed: they need the events of the day before. -infinity: any';
CREATE FUNCTION pgfeed._experiment_id(experiment text) RETURNS integer
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._experiment_id(experiment text) IS 'The number of an experiment; an unknown name is an error';
CREATE FUNCTION pgfeed._explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) RETURNS pgfeed.contribution[]
    LANGUAGE plpython3u STABLE SECURITY DEFINER COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) IS 'The rows of explain_recommendation() as one array, see _recommend_posts()';
CREATE FUNCTION pgfeed._expression_facts(relation regclass, argument text, expression text, OUT type text, OUT columns text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._expression_facts(relation regclass, argument text, expression text, OUT type text, OUT columns text[]) IS 'The type of an SQL expression over a relation, record for a row(), and the columns that it reads; an error that names the argument if it is none that can be followed';
CREATE FUNCTION pgfeed._factors(as_of timestamp with time zone, post_ids bytea, OUT post_factors bytea, OUT post_vectors public.vector[], OUT user_ids bigint[], OUT user_vectors public.vector[]) RETURNS record
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._factors(as_of timestamp with time zone, post_ids bytea, OUT post_factors bytea, OUT post_vectors public.vector[], OUT user_ids bigint[], OUT user_vectors public.vector[]) IS 'As _post_factors(), and the same vectors one by one in the order of post_ids; the users, ascending, who like one of these posts, and their vectors';
CREATE FUNCTION pgfeed._feature_function(function text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._feature_function(function text) IS 'The name, quoted, of a function that can compute a feature: an error says why it cannot';
CREATE FUNCTION pgfeed._feature_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._feature_probes() IS 'The row of health() about features of add_feature(); none without any';
CREATE FUNCTION pgfeed._feature_words() RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '
#user.view_count posts that the user viewed
#user.like_count posts that the user liked
%user.like_rate likes of the user per view
@user.days_since_active last active
%user_topic.view_share share of {topic} in what the user views
%user_topic.like_rate likes of the user per view of {topic}
%taste.like_rate likes per view of what the user likes
.taste.view_count_ratio views of what the user likes, beside what the user views
.taste.popularity_like_rate how the user likes posts as popular as this one, beside others
#taste.like_count posts that the user liked
@taste.days_since_like last like of the user
%taste.popularity how popular the posts are that the user likes
@taste.age_days age of the posts that the user likes
#post.view_count views of the post
#post.like_count likes of the post
%post.like_rate likes of the post per view
@post.age_days age of the post
@post.days_since_event last viewed or liked
.post.quality likes to be expected, beside the mean
.post.view_ratio views of the post, beside the mean
#post.effective_view_count views of the post, less those in poor places
%post.decayed_like_rate_7d likes of the post per view of late (half-life 7 days)
.text.tfidf_sum rare words of the text, sum
.text.tfidf_mean rare words of the text, mean
.text.tfidf_max the rarest word of the text
#text.text_length characters of the text
#text.term_count different words of the text
.match.factors liked by those who like the same
.match.text likeness to the texts liked before
.match.text_last likeness to the texts liked last
.match.preference what the user prefers
.match.appeal how much everybody likes the post
.match.score how much everybody likes the post, and what the user prefers
@fresh.age_days age of the post
@fresh.days_since_event last viewed or liked
%fresh.like_total likes of the post ever, beside the post with the most
#pair.view_count views of the post by the user
.pair.co_like liked together with what the user liked
.pair.co_like_7d liked together with what the user liked of late
.pair.co_like_last liked together with the last like of the user
.pair.co_like_last_3 liked together with the last three likes of the user
.pair.co_like_day liked on one day with what the user liked last
.pair.ease what else the likes of the user suggest
#time.hour hour of the day, UTC
#time.weekday day of the week, Monday is 1
'::text;
COMMENT ON FUNCTION pgfeed._feature_words() IS 'What features are called in explanations, a line each: a sign for how its values are told (# a whole number, % a share, @ days, . three digits), its name and its words';
CREATE FUNCTION pgfeed._feed_clock(OUT is_live boolean, OUT newest_at timestamp with time zone, OUT clock_at timestamp with time zone) RETURNS record
    LANGUAGE plpgsql STABLE COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._feed_clock(OUT is_live boolean, OUT newest_at timestamp with time zone, OUT clock_at timestamp with time zone) IS 'One row: whether events are expected to come in, when the newest one was (a rolled-up one: the end of its day), and until when ages are counted: now, of a feed that has ended its end';
CREATE FUNCTION pgfeed._feed_feature(name text, argument text) RETURNS text
    LANGUAGE plpgsql STABLE COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._feed_feature(name text, argument text) IS 'The type of a feature that create_feed() was told in an argument; an error if there is none';
CREATE FUNCTION pgfeed._feed_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 3
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._feed_probes() IS 'The rows of health() about the partitions, what comes in, and the catalogue';
CREATE FUNCTION pgfeed._feed_problem(feed_id integer) RETURNS text
    LANGUAGE plpgsql STABLE COST 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._feed_problem(feed_id integer) IS 'Why the filter of a feed could not be evaluated by the last refresh, or cannot now; null: it can';
CREATE FUNCTION pgfeed._fill_recommendation_chunk(batch_id bigint) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._fill_recommendation_chunk(batch_id bigint) IS 'Replaces the recommendations of the next users of a batch and says how many they were; null: no users are left to take, and the batch is finished unless another session is still at work on it';
CREATE FUNCTION pgfeed._filter_columns() RETURNS TABLE(number bigint, alias text, name text, type text, value text, source text)
    LANGUAGE plpgsql STABLE ROWS 50 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._filter_columns() IS 'One row per name that a feed''s filter may say, ALIAS.NAME: its type, and as value SQL over posts as p and what _filter_rows() joins as source: f, post_features; x, post_text_features; the name of an own feature, as o';
CREATE FUNCTION pgfeed._filter_facts(expression text, OUT problem text, OUT hint text, OUT sql text, OUT type text, OUT columns text[], OUT nodes text[]) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._filter_facts(expression text, OUT problem text, OUT hint text, OUT sql text, OUT type text, OUT columns text[], OUT nodes text[]) IS 'What an SQL expression over the views of _compiled_filter() is: as PostgreSQL writes it, its type, the columns that it reads as ALIAS.NAME and the kinds of its nodes; problem: why it cannot be evaluated for others. It is not run';
CREATE FUNCTION pgfeed._filter_moments(filter jsonb, ts timestamp with time zone) RETURNS double precision[]
    LANGUAGE plpgsql STABLE COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._filter_moments(filter jsonb, ts timestamp with time zone) IS 'The right sides of the moments of what _compiled_filter() gave, at a moment';
CREATE FUNCTION pgfeed._filter_rows(columns text[], as_of timestamp with time zone) RETURNS text
    LANGUAGE plpgsql STABLE COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._filter_rows(columns text[], as_of timestamp with time zone) IS 'SQL that begins with from: one row per post of $3 (i.number its place) with those columns, ALIAS.NAME, that a filter says, at the moment $1; features as of $2, which is as_of. A post that is gone has nulls';
CREATE FUNCTION pgfeed._filtered_posts(filter jsonb, part text, ts timestamp with time zone, as_of timestamp with time zone, chosen_ids bigint[] DEFAULT NULL::bigint[]) RETURNS TABLE(post_ids bytea, moments bytea)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._filtered_posts(filter jsonb, part text, ts timestamp with time zone, as_of timestamp with time zone, chosen_ids bigint[]) IS 'One row: those of some posts (null: of all) that pass the conditions of a part (posts or calls) of what _compiled_filter() gave, big-endian int8, in their order; and, of the part posts, the left sides of its moments for each of them, big-endian float8, NaN for null and infinity for NaN';
CREATE PROCEDURE pgfeed._find_leak(IN name text, INOUT problem text DEFAULT NULL::text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed._find_leak(IN name text, INOUT problem text) IS 'Says whether an own feature as of three days changes for the 50 busiest posts or users when their events from then on, of feed_events and of what is counted from them, are deleted, which is taken back; null: no';
CREATE PROCEDURE pgfeed._find_missing_months()
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed._find_missing_months() IS 'Notes of the days of months that were emptied or dropped by hand that their events are gone';
CREATE PROCEDURE pgfeed._find_stale_days(IN from_day date)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._find_stale_days(IN from_day date) IS 'Marks the days of events recorded since the last call, and those from from_day on, for roll_up_events(), and remembers the likes among these events';
CREATE FUNCTION pgfeed._fitted_places(user_ids bytea, days bytea, post_ids bytea, places bytea, likes bytea, weights bytea, sizes bytea) RETURNS real[]
    LANGUAGE plpython3u IMMUTABLE COST 1e+06 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._fitted_places(user_ids bytea, days bytea, post_ids bytea, places bytea, likes bytea, weights bytea, sizes bytea) IS 'The effects of the places 0 to 39 from impressions: users and posts big-endian int8, days, places and whether they were liked (1 or 0) int4; of those whose place chance has chosen, weights (float8) and sizes of the lists (int4). See plpy/places.py';
CREATE FUNCTION pgfeed._follow_statements(attachment_id smallint, kind text, settings jsonb, operation text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._follow_statements(attachment_id smallint, kind text, settings jsonb, operation text) IS 'SQL that does for pgfeed what an INSERT, UPDATE or DELETE did to an attached table, by its transition tables';
CREATE FUNCTION pgfeed._foreign_error(attached pgfeed.attached_tables) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    AS '...';
COMMENT ON FUNCTION pgfeed._foreign_error(attached pgfeed.attached_tables) IS 'Why a row of a foreign table, or of a view or partitioned table with one in it, cannot be read now; null: it can, or the relation has none';
CREATE FUNCTION pgfeed._forget_attachment(attachment_id smallint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET client_min_messages TO 'warning'
    AS '...';
COMMENT ON FUNCTION pgfeed._forget_attachment(attachment_id smallint) IS 'Deletes an attachment with all that came from its relation, and the functions made for it';
CREATE PROCEDURE pgfeed._forget_profile(IN user_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._forget_profile(IN user_id bigint) IS 'Takes the categories that only this user has out of the encoders of models, to which they are unknown from then on';
CREATE FUNCTION pgfeed._fresh_posts(features_as_of timestamp with time zone, ts timestamp with time zone, is_current boolean) RETURNS bytea
    LANGUAGE plpgsql STABLE COST 1000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET enable_seqscan TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._fresh_posts(features_as_of timestamp with time zone, ts timestamp with time zone, is_current boolean) IS 'The posts that can be recommended at ts but came after the features: where the newest features serve, those that is_new marks, the 1,000 newest with and 1,000 without created_at; else those created from the cut-off until before ts, the 1,000 newest. Big-endian pairs of int8, ascending: post_id, and a number that changes with its row; null: none';
CREATE FUNCTION pgfeed._fresh_text_features(post_ids bigint[]) RETURNS TABLE(post_id bigint, text_length integer, term_count integer, tfidf_sum real, tfidf_mean real, tfidf_max real)
    LANGUAGE plpgsql STABLE COST 100000 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._fresh_text_features(post_ids bigint[]) IS 'The columns of post_text_features for posts that came after the last refresh, as it would have made them: with the frequencies of that refresh and of these posts';
CREATE FUNCTION pgfeed._gate_reasons(figures jsonb, margin double precision) RETURNS text[]
    LANGUAGE plpgsql IMMUTABLE COST 1000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._gate_reasons(figures jsonb, margin double precision) IS 'Why the gate refuses a challenger with these figures, see model_decisions; empty: it serves. margin: what share of the champion''s metric it may be clearly behind';
CREATE FUNCTION pgfeed._grants_to_revoke(attachment_id smallint, OUT columns text, OUT schema text) RETURNS record
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._grants_to_revoke(attachment_id smallint, OUT columns text, OUT schema text) IS 'The columns and the schema that a detached relation has to take from pgfeed_owner again; what another attachment needs passes on to it';
CREATE FUNCTION pgfeed._group_counts(feature text, group_values text[], as_of timestamp with time zone, OUT user_count integer, OUT post_ids bytea, OUT view_counts bytea, OUT like_counts bytea) RETURNS record
    LANGUAGE plpgsql STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._group_counts(feature text, group_values text[], as_of timestamp with time zone, OUT user_count integer, OUT post_ids bytea, OUT view_counts bytea, OUT like_counts bytea) IS 'One row: what users who have one of these values of user.NAME viewed (effective views, see place_effects) and liked from the midnight 28 days before as_of on, decayed with a half-life of 7 days: post_ids big-endian int8, counts float8. Of at most 2,000 users, chosen by a hash of the id; null counts: there are fewer than 5 users, whose likes are not to be guessed, or no events. An error if users have no such feature';
CREATE FUNCTION pgfeed._has_events(from_at timestamp with time zone, to_at timestamp with time zone) RETURNS boolean
    LANGUAGE plpgsql STABLE STRICT COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._has_events(from_at timestamp with time zone, to_at timestamp with time zone) IS 'Whether any event lies at or after the first moment and before the second';
CREATE FUNCTION pgfeed._helpful_index(attached pgfeed.attached_tables) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._helpful_index(attached pgfeed.attached_tables) IS 'The statement for an index that an attached table should have: of its key; of the time of events, by which a refresh reads the last week; of user and time of those whose new rows calls read, by pull or mixed. Null: it has it, or the expression is no column';
CREATE FUNCTION pgfeed._hex_modulo(digits text, divisor integer) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (((((((((((((('x'::text || substr(digits, 1, 8)))::bit(32))::bigint % (divisor)::bigint) * '4294967296'::bigint) + ((('x'::text || substr(digits, 9, 8)))::bit(32))::bigint) % (divisor)::bigint) * '4294967296'::bigint) + ((('x'::text || substr(digits, 17, 8)))::bit(32))::bigint) % (divisor)::bigint) * '4294967296'::bigint) + ((('x'::text || substr(digits, 25, 8)))::bit(32))::bigint) % (divisor)::bigint))::integer;
COMMENT ON FUNCTION pgfeed._hex_modulo(digits text, divisor integer) IS 'The remainder of a number of 32 hexadecimal digits, all 128 bits of it, by a divisor up to 2^31 - 1';
CREATE FUNCTION pgfeed._hits() RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._hits() IS 'The actions that are a like: an event is one if its action is among them, or its target is true';
CREATE FUNCTION pgfeed._id_of(kind text, key text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._id_of(kind text, key text) IS 'The id of a user''s or post''s key, known or not; an error if it cannot be a key of the type that theirs have';
CREATE PROCEDURE pgfeed._infer_attributes()
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._infer_attributes() IS 'Registers the features that users.attributes and posts.attributes hold, the 200 with the most values, where no table is attached that says so; their types are those of nine tenths of their values. Names that no feature can have are left out, with a warning. Where as many rows have values as the last time and none was written since, nothing is read again';
CREATE FUNCTION pgfeed._is_action(action text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._is_action(action text) IS 'Whether feed_events takes this action';
CREATE FUNCTION pgfeed._is_first_undo(user_id bigint, post_id bigint, undone_at timestamp with time zone, hits text[], undos text[]) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._is_first_undo(user_id bigint, post_id bigint, undone_at timestamp with time zone, hits text[], undos text[]) IS 'True: what a user took back at a moment is the first like of a post, and was not taken back before. Liking it again is no second like, and so nor is taking it back again';
CREATE FUNCTION pgfeed._is_large() RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._is_large() IS 'Whether there are more posts than recommend_posts scores at each call: then a shortlist and candidates are scored';
CREATE FUNCTION pgfeed._is_loaded() RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._is_loaded() IS 'Whether anything was ever loaded: before that nothing is missing';
CREATE FUNCTION pgfeed._is_partition_token(parent text, months timestamp with time zone[], thin_partitions text[], token text) RETURNS boolean
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._is_partition_token(parent text, months timestamp with time zone[], thin_partitions text[], token text) IS 'Whether the moves that _watch_partitions() planned are still those: no other session began anew, and no partition came or went';
CREATE FUNCTION pgfeed._is_pinned_baseline(user_id bigint) RETURNS boolean
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._is_pinned_baseline(user_id bigint) IS 'Whether the user is in the first arm of the running experiment, its version is stated, and no gate made it: such an arm does not explore';
CREATE FUNCTION pgfeed._variants_without_model() RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY['popular'::text, 'random'::text, 'newest'::text, 'trending'::text];
COMMENT ON FUNCTION pgfeed._variants_without_model() IS 'Names that no model can have: variants that rank without one, see _is_without_model()';
CREATE FUNCTION pgfeed._is_without_model(variant text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ((variant = ANY (pgfeed._variants_without_model())) OR (variant ~ '^trending:(1h|6h|1d|3d|7d)$'::text) OR (variant ~ '^popular_by:user[.].'::text));
COMMENT ON FUNCTION pgfeed._is_without_model(variant text) IS 'Whether a variant ranks without a model. popular: by the decayed like rate; popular_by:user.NAME: by that among users with the user''s value of the feature, popular_by:user.NAME=VALUE: with this one; newest; trending, trending:6h: by the rise of the like rate, with a half-life of a day, or this one; random: by lot';
CREATE FUNCTION pgfeed._job_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 4
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET "IntervalStyle" TO 'postgres'
    AS '...';
COMMENT ON FUNCTION pgfeed._job_probes() IS 'The rows of health() about what runs or was interrupted';
CREATE FUNCTION pgfeed._job_sessions(lock_name text) RETURNS TABLE(pid integer, is_waiting boolean, started_at timestamp with time zone)
    LANGUAGE plpgsql STABLE COST 1000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._job_sessions(lock_name text) IS 'One row per session that holds or waits for the advisory lock hashtext(lock_name), and when its transaction began';
CREATE FUNCTION pgfeed._job_states() RETURNS TABLE(job_id integer, name text, state text, due_at timestamp with time zone, is_last boolean)
    LANGUAGE plpgsql STABLE COST 1000 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._job_states() IS 'One row per job: what it is called, whether it is waiting, running, left by its worker, done or failed, since or from when it may be taken, and whether it is the last one of its kind and variant';
CREATE PROCEDURE pgfeed._keep_champion(IN variant text, IN challenger integer, IN champion integer, INOUT experiment_id integer DEFAULT NULL::integer)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._keep_champion(IN variant text, IN challenger integer, IN champion integer, INOUT experiment_id integer) IS 'Starts the experiment in which the champion keeps a share of the users, if the schedule of the variant has one and the variant is what all users get; or gives the one that runs, whose champion keeps it until its time is over. None while an operator''s experiment runs';
CREATE FUNCTION pgfeed._key_id(key text) RETURNS bigint
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (((('x'::text || "left"(encode(sha256((replace(key, '\'::text, '\\'::text))::bytea), 'hex'::text), 16)))::bit(64))::bigint & '9223372036854775807'::bigint);
COMMENT ON FUNCTION pgfeed._key_id(key text) IS 'The id, from 0 to 2^63 - 1, of a key that is not an integer: 63 bits of its SHA-256. Among a hundred million keys two share one with a chance of 1 in 1,800; the second of them is rejected, see attachments';
CREATE FUNCTION pgfeed._key_type(kind text) RETURNS text
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._key_type(kind text) IS 'The type of the keys of users or posts: as they are attached, else text where some were loaded with a key, else bigint';
CREATE FUNCTION pgfeed._learning() RETURNS text
    LANGUAGE plpython3u IMMUTABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._learning() IS 'The texts of what pgfeed train runs, by path, as JSON: the process that train_model() starts runs them, so that nothing but what serving needs is installed on the server';
CREATE PROCEDURE pgfeed._leave_out_user(IN user_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '40ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed._leave_out_user(IN user_id bigint) IS 'Takes a user out of the materialized views, whose other rows stay as they are. Calls wait while that of topics is copied';
CREATE FUNCTION pgfeed._level(threshold text, value double precision) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._level(threshold text, value double precision) IS 'What a value means by a threshold: fail or warn; null: neither, or off, or no value';
CREATE FUNCTION pgfeed._library() RETURNS void
    LANGUAGE plpython3u STABLE PARALLEL RESTRICTED
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._library() IS 'Loads the modules that the functions in Python share into the session, once for each text of this function; from plpy.recommend import recommend_posts then finds them. What a function calls there keeps its name and arguments: a session can run an older text of the function with a newer one of the library';
CREATE FUNCTION pgfeed._like_window() RETURNS interval
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN '01:00:00'::interval;
COMMENT ON FUNCTION pgfeed._like_window() IS 'How long after a view a like of the same post by the same user belongs to it, and another view of it repeats it';
CREATE FUNCTION pgfeed._list_figures(variant text, version integer, user_count integer DEFAULT 100) RETURNS jsonb
    LANGUAGE plpgsql COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._list_figures(variant text, version integer, user_count integer) IS 'What a version would give a sample of users, as if it were active: milliseconds of a call (the fastest tenth, as other work only adds to it), shares of lists that are empty, of another source than a model, with one score for all or with none; posts in the lists, topics a list, share of places with posts of the last 7 days, bytes of the model';
CREATE FUNCTION pgfeed._list_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._list_probes() IS 'The row of health() about the lists of serve_posts() in the last 7 days, none if there are no lists. Of more than some 50,000 lists a sample; shown again is counted in 200 of them, by the 100 lists before each of its user, and not within an hour';
CREATE FUNCTION pgfeed._live_from(ts timestamp with time zone) RETURNS date
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._live_from(ts timestamp with time zone) IS 'The day (UTC) from which features as of ts count the events themselves: the day of ts, or an earlier one that was not rolled up since it ended; before it they read the daily rollups. An error where the events before ts of its day or of the day before are gone';
CREATE PROCEDURE pgfeed._load_attachment(IN attachment_id smallint, INOUT done double precision)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._load_attachment(IN attachment_id smallint, INOUT done double precision) IS 'Loads the next part of an attached table, at most 16 MB of it where it has a place on disk, and says which part of all is done';
CREATE FUNCTION pgfeed._log_partition_change() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._log_partition_change() IS 'Notes the key of each row that changes in a partition while _copy_partitions() copies it; without a key: all rows are gone';
CREATE FUNCTION pgfeed._loop_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET "IntervalStyle" TO 'postgres'
    AS '...';
COMMENT ON FUNCTION pgfeed._loop_probes() IS 'The rows of health() about what goes on by itself; none where nothing does';
CREATE PROCEDURE pgfeed._make_attached_posts()
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._make_attached_posts() IS 'Makes _attached_posts(), which reads topics and texts where they are, or drops it if no posts are attached';
CREATE PROCEDURE pgfeed._make_event_rows(IN attachment_id smallint, INOUT arguments text DEFAULT NULL::text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed._make_event_rows(IN attachment_id smallint, INOUT arguments text) IS 'Makes _follow_<id>_rows(), whose names are found now, and gives its arguments of a row n. Null: there is none, for an expression has another value under other settings of a session or names what is not PostgreSQL''s own';
CREATE PROCEDURE pgfeed._make_follower(IN attachment_id smallint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._make_follower(IN attachment_id smallint) IS 'Makes _follow_<id>(), the function of the triggers of an attached table: an error inside is noted in attachment_errors and fails nothing; it waits at most 100 ms. Of posts it still takes away what is gone or not available, if the key and that can be computed';
CREATE PROCEDURE pgfeed._make_insert_follower(IN attachment_id smallint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._make_insert_follower(IN attachment_id smallint) IS 'Makes _follow_<id>_insert(), the function of the trigger for new events where _make_event_rows() can: to set the settings of _follow_<id>() and take them back is a tenth of what that costs a statement';
CREATE PROCEDURE pgfeed._make_newest_events()
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._make_newest_events() IS 'Makes _newest_events(), by which a call reads what a user did since an hour before the last refresh in tables that are followed by pull or mixed and have an index on user_key and at; drops it if there are none, and on Citus';
CREATE PROCEDURE pgfeed._make_triggers(IN attachment_id smallint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._make_triggers(IN attachment_id smallint) IS 'Makes the triggers of an attachment, with the rights of the caller: those of mixed leave out new rows, pull has none';
CREATE PROCEDURE pgfeed._mark_posts(IN since timestamp with time zone, IN user_ids bigint[] DEFAULT '{}'::bigint[], IN post_ids bigint[] DEFAULT '{}'::bigint[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._mark_posts(IN since timestamp with time zone, IN user_ids bigint[], IN post_ids bigint[]) IS 'Remembers, of pairs of a user and a post with events recorded since a moment, and of these, what liked_posts does not tell';
CREATE FUNCTION pgfeed._merge_events(attachment_id smallint, action text, rows text, removed text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._merge_events(attachment_id smallint, action text, rows text, removed text) IS 'SQL that writes these rows to feed_events, and takes those of removed (user_id, post_id, event_at) that are not among them out of it; both are SQL too: see _attached_rows(). removed may name rows';
CREATE FUNCTION pgfeed._merge_posts(rows text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._merge_posts(rows text) IS 'SQL that writes to posts what differs from these rows, which are SQL too: see _attached_rows(). A row whose id is another key''s is left out';
CREATE FUNCTION pgfeed._merge_users(rows text) RETURNS text
    LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._merge_users(rows text) IS 'SQL that writes to users what differs from these rows, which are SQL too: see _attached_rows(). A row whose id is another key''s is left out';
CREATE FUNCTION pgfeed._missing_indexes() RETURNS TABLE(relation text, definition text, remedy text)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._missing_indexes() IS 'One row per index of the schema that is not there, under whatever name, and the statement that makes it';
CREATE FUNCTION pgfeed._model_id(variant text, version integer) RETURNS bigint
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._model_id(variant text, version integer) IS 'The model_id of a stored version; an error if there is none or it was deleted';
CREATE FUNCTION pgfeed._model_problems(model_id bigint) RETURNS text[]
    LANGUAGE plpython3u STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._model_problems(model_id bigint) IS 'What keeps a stored model from serving; empty: nothing';
CREATE PROCEDURE pgfeed._move_user(IN user_id bigint, IN into_user_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._move_user(IN user_id bigint, IN into_user_id bigint) IS 'Gives another user what a user did and was shown; what both did is there once. The roll-ups of days whose events are there are corrected by _take_out_user()';
CREATE FUNCTION pgfeed._named_features(features jsonb) RETURNS TABLE(name text, expression text)
    LANGUAGE plpgsql IMMUTABLE ROWS 10 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._named_features(features jsonb) IS 'One row per feature that attach_users() or attach_posts() was told: its name and its SQL expression';
CREATE FUNCTION pgfeed._named_feed_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._named_feed_probes() IS 'The row of health() about the feeds of create_feed(); none without any';
CREATE FUNCTION pgfeed._nearest_posts(embedding public.halfvec, k integer, left_out bigint DEFAULT NULL::bigint) RETURNS SETOF pgfeed.similar_post
    LANGUAGE plpgsql STABLE COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "hnsw.ef_search" TO '200'
    AS '...';
COMMENT ON FUNCTION pgfeed._nearest_posts(embedding public.halfvec, k integer, left_out bigint) IS 'The k posts whose embeddings are nearest by cosine, best first, ties by post_id, without the post left_out. Exact; where pgfeed embed made an HNSW index (large catalogues), nearly, unless most posts are hidden';
CREATE FUNCTION pgfeed._needs_neighbours(feature_names text[]) RETURNS boolean
    LANGUAGE plpython3u IMMUTABLE COST 1000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._needs_neighbours(feature_names text[]) IS 'Whether a model with these features has some that compare a post with those that the user liked';
CREATE FUNCTION pgfeed._newest_likes(ts timestamp with time zone, most bigint) RETURNS TABLE(user_id bigint, post_id bigint, day integer)
    LANGUAGE plpgsql STABLE COST 100000 ROWS 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._newest_likes(ts timestamp with time zone, most bigint) IS 'One row per like before ts that stands at ts, of the days that hold the newest so many. day: since 1970-01-01';
CREATE FUNCTION pgfeed._newest_rows_index(attached pgfeed.attached_tables, OUT index_id oid, OUT time_type regtype) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._newest_rows_index(attached pgfeed.attached_tables, OUT index_id oid, OUT time_type regtype) IS 'The index on user_key and at by which a call finds the newest rows of its user in an attached table of events, and the type of at; nulls: there is none, or the two are no columns, or the table is spread by Citus or foreign in part';
CREATE FUNCTION pgfeed._no_month(parent text, months timestamp with time zone[], thin_partitions text[]) RETURNS text
    LANGUAGE plpgsql STABLE STRICT COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._no_month(parent text, months timestamp with time zone[], thin_partitions text[]) IS 'The condition that a row of the next default partition is of none of the months that there will be: with it as a constraint PostgreSQL need not read the rows when the partition is attached';
CREATE FUNCTION pgfeed._note_grants(attachment_id smallint, columns text[], schema text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._note_grants(attachment_id smallint, columns text[], schema text) IS 'Notes what an attach_*() granted to pgfeed_owner, for detach()';
CREATE PROCEDURE pgfeed._note_new_variant(IN variant text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._note_new_variant(IN variant text) IS 'A notice if no model of a variant was ever stored and no recipe has its name, which may be mistyped';
CREATE FUNCTION pgfeed._off_policy_estimates(model_id bigint, variant text, version integer, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) RETURNS pgfeed.off_policy_estimate[]
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._off_policy_estimates(model_id bigint, variant text, version integer, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) IS 'The rows of off_policy_report() of a model; model_id negative: as it is evaluated, null: the variant has none. See plpy/off_policy.py';
CREATE PROCEDURE pgfeed._open_columns(IN attachment_id smallint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._open_columns(IN attachment_id smallint) IS 'Lets pgfeed_owner read the columns that an attachment uses, and all rows, with the rights of the caller; notes what was granted';
CREATE PROCEDURE pgfeed._open_relation(IN relation regclass)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._open_relation(IN relation regclass) IS 'Lets pgfeed_owner use the schema of a relation, with the rights of the caller, who must own the relation';
CREATE FUNCTION pgfeed._own_feature_as_of(name text, ts timestamp with time zone, ids bigint[]) RETURNS TABLE(id bigint, value real)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._own_feature_as_of(name text, ts timestamp with time zone, ids bigint[]) IS 'What the function of an own feature gives for users or posts as of a moment: one row per id that has a finite value, the largest if it has several';
CREATE FUNCTION pgfeed._own_feature_values(name text, ts timestamp with time zone, ids bigint[]) RETURNS TABLE(id bigint, value real)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._own_feature_values(name text, ts timestamp with time zone, ids bigint[]) IS 'An own feature of users or posts (null: of all posts) as of a moment: as the last refresh stored it, or computed';
CREATE FUNCTION pgfeed._own_user_features(ts timestamp with time zone, user_ids bigint[], is_current boolean) RETURNS TABLE(user_id bigint, own jsonb)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 100
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._own_user_features(ts timestamp with time zone, user_ids bigint[], is_current boolean) IS 'One row per user with values of own features, by name without user.; is_current: as the last refresh stored them';
CREATE PROCEDURE pgfeed._pack_features(IN as_of timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._pack_features(IN as_of timestamp with time zone) IS 'Stores the post matrix as of a moment in feature_packs: of all posts, or of a shortlist of a large catalogue';
CREATE FUNCTION pgfeed._packed_posts(as_of timestamp with time zone, chosen_ids bigint[], known_topics text[], is_fresh boolean, OUT post_count integer, OUT feature_names text[], OUT topics text[], OUT post_ids bytea, OUT topic_codes bytea, OUT matrix bytea, OUT attributes jsonb) RETURNS record
    LANGUAGE plpgsql STABLE COST 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET extra_float_digits TO '1'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._packed_posts(as_of timestamp with time zone, chosen_ids bigint[], known_topics text[], is_fresh boolean, OUT post_count integer, OUT feature_names text[], OUT topics text[], OUT post_ids bytea, OUT topic_codes bytea, OUT matrix bytea, OUT attributes jsonb) IS 'The row of _post_pack(). is_fresh: of posts that came after as_of, as without events: no counts, and ages below 0; topics, own features and texts as the next refresh will have them; topics that are not known are put at the end';
CREATE FUNCTION pgfeed._partition_copies(parent text, months timestamp with time zone[], thin_partitions text[]) RETURNS TABLE(source text, target text, condition text)
    LANGUAGE plpgsql STABLE STRICT ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._partition_copies(parent text, months timestamp with time zone[], thin_partitions text[]) IS 'One row per copy that the moves of _partition_moves() need: from which partition, into which new table, which rows (s)';
CREATE FUNCTION pgfeed._partition_key(parent text) RETURNS text
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._partition_key(parent text) IS 'The column whose months are the partitions of a table: event_at, served_at';
CREATE FUNCTION pgfeed._partition_moves(parent text, OUT months timestamp with time zone[], OUT thin_partitions text[]) RETURNS record
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER COST 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._partition_moves(parent text, OUT months timestamp with time zone[], OUT thin_partitions text[]) IS 'What arrange_partitions() has to do next for a table: at most 12 months that leave the default partition for one of their own, having 10,000 rows or, the largest first, because all together have more than 300,000; and partitions of months that are over, or more than a year from now, and have fewer than 5,000 rows, which go into it';
CREATE FUNCTION pgfeed._partition_probe() RETURNS pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._partition_probe() IS 'The row of health() about the months of feed_events and exposures';
CREATE FUNCTION pgfeed._partition_token(parent text, months timestamp with time zone[], thin_partitions text[]) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._partition_token(parent text, months timestamp with time zone[], thin_partitions text[]) IS 'A digest of moves between partitions and of the partitions that there are: it differs once one came or went';
CREATE FUNCTION pgfeed._place_effects() RETURNS real[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._place_effects() IS 'The effects of the 40 places of each of _place_versions(), one after the other';
CREATE FUNCTION pgfeed._place_versions() RETURNS date[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._place_versions() IS 'The versions of place_effects, oldest first: a day has the newest one that is not later';
CREATE FUNCTION pgfeed._post_counts(ts timestamp with time zone, post_ids bigint[]) RETURNS TABLE(post_id bigint, likes bigint, views bigint, effective double precision)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_counts(ts timestamp with time zone, post_ids bigint[]) IS 'One row per post with an event in the 180 days before the day of ts: how often it was liked and viewed, and the views as if all were at the same place of a session';
CREATE FUNCTION pgfeed._post_factors(as_of timestamp with time zone, post_ids bytea) RETURNS bytea
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_factors(as_of timestamp with time zone, post_ids bytea) IS 'The vectors of posts (ascending big-endian int8) by the newest 1,000,000 likes before as_of, implicit alternating least squares: big-endian float4, 16 a post, and at the end the 16 x 16 products of their columns';
CREATE FUNCTION pgfeed._post_ids_of(keys text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_ids_of(keys text[]) IS 'The ids of posts'' keys, one for each in their order: see _id_of()';
CREATE FUNCTION pgfeed._post_neighbours(as_of timestamp with time zone, post_ids bytea) RETURNS bytea
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_neighbours(as_of timestamp with time zone, post_ids bytea) IS 'Which posts are liked by the same users, by the newest 500,000 likes before as_of: big-endian float4, five rows of equal length: a post and its neighbour (places in post_ids, ascending big-endian int8), their similarity by users and by users on the same day, and the EASE weight';
CREATE FUNCTION pgfeed._post_pack(as_of timestamp with time zone, chosen_ids bigint[] DEFAULT NULL::bigint[], known_topics text[] DEFAULT NULL::text[], OUT post_count integer, OUT feature_names text[], OUT topics text[], OUT post_ids bytea, OUT topic_codes bytea, OUT matrix bytea, OUT attributes jsonb) RETURNS record
    LANGUAGE plpgsql STABLE COST 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_pack(as_of timestamp with time zone, chosen_ids bigint[], known_topics text[], OUT post_count integer, OUT feature_names text[], OUT topics text[], OUT post_ids bytea, OUT topic_codes bytea, OUT matrix bytea, OUT attributes jsonb) IS 'One row: the features of the chosen posts (null: all) as of a moment, for numpy. post_ids ascending, big-endian int8; topic_codes big-endian int4, places in topics (known_topics, null: those of all posts), -1 for none; matrix big-endian float4, one feature after the other. Components are named by their axes. attributes: types of the own features of users and posts by name; and, by name, those values of categories and tags of posts whose places the matrix has, tags as the text of a JSON array; null: there are no own features';
CREATE FUNCTION pgfeed._post_rows(post_ids bigint[]) RETURNS TABLE(number bigint, post_id bigint, topic text, text text, key text)
    LANGUAGE plpgsql STABLE COST 1000 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_rows(post_ids bigint[]) IS 'One row per post that can be shown now, in the order of post_ids: those that are hidden, and those that the attached table does not have or calls unavailable, are left out. Where that table cannot be read, the texts are null, and a warning says why once a session. key null: post_id is it';
CREATE FUNCTION pgfeed._post_text(post_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_text(post_id bigint) IS 'The text of a post that can be shown now, where it is; for views, which call functions under the role that reads them';
CREATE FUNCTION pgfeed._post_texts(post_ids bigint[] DEFAULT NULL::bigint[]) RETURNS TABLE(post_id bigint, text text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 100000 ROWS 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._post_texts(post_ids bigint[]) IS 'One row per post of post_ids (null: of all): its text, from posts or from the attached table, which has no row for those that it calls unavailable. text null: it has none. An error where that table cannot be read';
CREATE FUNCTION pgfeed._posts_outside(ts timestamp with time zone, post_ids bigint[], count integer, topics text[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE COST 100000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._posts_outside(ts timestamp with time zone, post_ids bigint[], count integer, topics text[]) IS 'Some of the posts that are not among these and of none of these topics, those with the best like rates first, at an earlier moment the newest: what fills a list when the shortlist of a large catalogue has too few posts';
CREATE FUNCTION pgfeed._preferences(as_of timestamp with time zone) RETURNS bytea
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._preferences(as_of timestamp with time zone) IS 'Who likes what, beside how good a post is, learned from about 1,500,000 impressions before as_of of a sample of users, and from the counts of posts beside it, for features named match.preference, match.score and match.appeal; empty: there is too little to learn from';
CREATE FUNCTION pgfeed._prior_like_rate(ts timestamp with time zone) RETURNS double precision
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._prior_like_rate(ts timestamp with time zone) IS 'Likes per view of all posts before ts, without the last days: what the rate of a post without views is; 0.1 if nothing was viewed';
CREATE FUNCTION pgfeed._probe(name text, failures text[], warnings text[], found text, remedy text, figures jsonb DEFAULT NULL::jsonb) RETURNS pgfeed.probe
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._probe(name text, failures text[], warnings text[], found text, remedy text, figures jsonb) IS 'One row of health(): fails if there is a failure, else warns if there is a warning (null ones are none); a figure that is null is left out';
CREATE FUNCTION pgfeed._python_versions() RETURNS text
    LANGUAGE plpython3u STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._python_versions() IS 'Versions of the server''s Python and of the packages that serving needs, as one line';
CREATE FUNCTION pgfeed._rank_posts(user_id bigint, post_ids bytea, ts timestamp with time zone, variant text) RETURNS text[]
    LANGUAGE plpython3u STABLE SECURITY DEFINER COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._rank_posts(user_id bigint, post_ids bytea, ts timestamp with time zone, variant text) IS 'Ids, scores and statuses of rank_posts() in the order of its rows, each as the text of an array';
CREATE FUNCTION pgfeed._recent_events(cut_off timestamp with time zone, from_at timestamp with time zone, ts timestamp with time zone, OUT post_ids bytea, OUT seconds bytea, OUT view_counts bytea, OUT like_counts bytea, OUT effective_view_counts bytea) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._recent_events(cut_off timestamp with time zone, from_at timestamp with time zone, ts timestamp with time zone, OUT post_ids bytea, OUT seconds bytea, OUT view_counts bytea, OUT like_counts bytea, OUT effective_view_counts bytea) IS 'One row: the events of all users that count, from from_at, which is not before cut_off, until before ts, in no order: posts (big-endian int8), seconds after cut_off (float8), whether they count as a view and as a like, and what the view weighs by its place (float4); null: none';
CREATE FUNCTION pgfeed._recent_events_of(user_ids bigint[], cut_off timestamp with time zone, from_at timestamp with time zone, ts timestamp with time zone, OUT event_user_ids bytea, OUT post_ids bytea, OUT seconds bytea, OUT view_counts bytea, OUT like_counts bytea, OUT effective_view_counts bytea) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_generic_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._recent_events_of(user_ids bigint[], cut_off timestamp with time zone, from_at timestamp with time zone, ts timestamp with time zone, OUT event_user_ids bytea, OUT post_ids bytea, OUT seconds bytea, OUT view_counts bytea, OUT like_counts bytea, OUT effective_view_counts bytea) IS 'One row: what _recent_events() counts, of some users, whose ids come first (big-endian int8); made to be quick for a few of them';
CREATE FUNCTION pgfeed._recipe_error(variant text, recipe text) RETURNS text[]
    LANGUAGE plpython3u STABLE STRICT COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._recipe_error(variant text, recipe text) IS 'The message and hint of what is wrong with a recipe, as training reads it; null: nothing is. What CatBoost says of its parameters is seen when it trains';
CREATE FUNCTION pgfeed._recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) RETURNS pgfeed.recommendation[]
    LANGUAGE plpython3u STABLE SECURITY DEFINER COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) IS 'The rows of recommend_posts() as one array: when a PL/Python function that returns a set is replaced between two of its rows (an upgrade under traffic), PostgreSQL uses memory that it has freed, and the server ends. candidates, exclude: as array_send() packs them, which Python reads faster than an array';
CREATE FUNCTION pgfeed._recommend_users(user_ids bigint[], ts timestamp with time zone, k integer, variant text, OUT list_user_ids bigint[], OUT ranks integer[], OUT post_ids bigint[], OUT scores double precision[], OUT variants text[], OUT sources text[], OUT model_versions integer[], OUT features_as_of timestamp with time zone[]) RETURNS record
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._recommend_users(user_ids bigint[], ts timestamp with time zone, k integer, variant text, OUT list_user_ids bigint[], OUT ranks integer[], OUT post_ids bigint[], OUT scores double precision[], OUT variants text[], OUT sources text[], OUT model_versions integer[], OUT features_as_of timestamp with time zone[]) IS 'One row: the rows of recommend_posts() for each of the users, as arrays of the same length, by what they share computed once. Those without a model''s list, and all of a large catalogue, are asked for one by one';
CREATE PROCEDURE pgfeed._recount_likes()
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._recount_likes() IS 'After what counts as a like changed: finds anew who liked what in the events that are there, and has all their days counted anew by the next roll-up';
CREATE FUNCTION pgfeed._refresh_as_of() RETURNS timestamp with time zone
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._refresh_as_of() IS 'The cut-off of the newest refresh: what the materialized views are computed as of';
CREATE PROCEDURE pgfeed._register_attributes(IN kind text, IN attributes jsonb)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._register_attributes(IN kind text, IN attributes jsonb) IS 'Says which features users.attributes (kind user) or posts.attributes (post) hold from now on: type by name. A type is number, boolean, category, tags or date, or an SQL type as format_type() names it: numbers called id or ..._id are categories';
CREATE FUNCTION pgfeed._relation_named(name text) RETURNS regclass
    LANGUAGE plpgsql STABLE STRICT
    AS '...';
COMMENT ON FUNCTION pgfeed._relation_named(name text) IS 'The relation of this name on the search path of the caller; null: there is none, or no relation could have it';
CREATE FUNCTION pgfeed._relative_columns(feature_names text[], topics text[], post_ids bytea, topic_codes bytea, matrix bytea) RETURNS bytea
    LANGUAGE plpython3u IMMUTABLE COST 1e+06 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._relative_columns(feature_names text[], topics text[], post_ids bytea, topic_codes bytea, matrix bytea) IS 'What a pack''s posts are compared with, and how they compare (post.view_ratio, post.quality), as big-endian float8: see pack_relative() in plpy/scale.py. The arguments are a row of _post_pack()';
CREATE FUNCTION pgfeed._remember_deleted_posts() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._remember_deleted_posts() IS 'Notes which posts a statement deletes or truncates, so that events which name them do not bring them back';
CREATE PROCEDURE pgfeed._remember_missing_posts()
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._remember_missing_posts() IS 'Notes on Citus, where posts have no trigger, which posts were deleted since the last refresh, so that events which name them do not bring them back';
CREATE FUNCTION pgfeed._replay_list(exposure jsonb, model_id bigint, explores boolean) RETURNS pgfeed.served_list
    LANGUAGE plpython3u STABLE COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._replay_list(exposure jsonb, model_id bigint, explores boolean) IS 'The list of an exposure, a row of exposures with its arguments as text, made again by a stored model; null: the variant has none';
CREATE FUNCTION pgfeed.user_features_as_of(ts timestamp with time zone, user_ids bigint[] DEFAULT NULL::bigint[]) RETURNS TABLE(user_id bigint, gender smallint, age smallint, country text, city text, exp_group smallint, os text, source text, view_count bigint, like_count bigint, like_rate real, days_since_active integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed.user_features_as_of(ts timestamp with time zone, user_ids bigint[]) IS 'One row per user (of user_ids; null: of all) with a profile or an event before ts. like_rate is smoothed: it starts at 0.1 with the weight of 20 views';
CREATE FUNCTION pgfeed.user_topic_features_as_of(ts timestamp with time zone, user_ids bigint[] DEFAULT NULL::bigint[]) RETURNS TABLE(user_id bigint, topic text, view_count bigint, like_count bigint, view_share real, like_rate real, last_active_date date)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed.user_topic_features_as_of(ts timestamp with time zone, user_ids bigint[]) IS 'One row per user (of user_ids; null: of all) and topic seen before ts. view_share: of the user''s views. like_rate is likes per effective view, see place_effects, and smoothed: it starts at the user''s own rate with the weight of 20 views';
CREATE TABLE pgfeed.actions (
    action text NOT NULL,
    sign smallint NOT NULL,
    weight real DEFAULT 1 NOT NULL,
    hides boolean NOT NULL,
    undoes text,
    is_plain boolean GENERATED ALWAYS AS (((undoes IS NULL) AND (sign >= 0) AND (hides OR ((sign = 0) AND (action <> 'view'::text))))) STORED NOT NULL,
    CONSTRAINT actions_sign_check CHECK ((sign = ANY (ARRAY['-1'::integer, 0, 1]))),
    CONSTRAINT actions_weight_check CHECK (((weight >= (0)::double precision) AND (weight <= (1000)::double precision)))
);
COMMENT ON TABLE pgfeed.actions IS 'One row per action that events can have; define_action() and remove_action() change it';
COMMENT ON COLUMN pgfeed.actions.sign IS '1: a like, -1: a dislike, 0: neither; a view is a like if its target is true';
COMMENT ON COLUMN pgfeed.actions.weight IS 'Of an impression that it follows, in training';
COMMENT ON COLUMN pgfeed.actions.hides IS 'True: it keeps the post out of the user''s lists. Of view: its target does. Of others with sign 0: no meaning';
COMMENT ON COLUMN pgfeed.actions.undoes IS 'The action that it takes back, from its moment on; null: none';
COMMENT ON COLUMN pgfeed.actions.is_plain IS 'True for all: what a user liked is what is kept out of the user''s lists, and nothing takes a like back';
CREATE TABLE pgfeed.feed_events (
    event_at timestamp with time zone NOT NULL,
    user_id bigint NOT NULL,
    post_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    action text NOT NULL,
    target boolean,
    attachment_id smallint,
    CONSTRAINT feed_events_action_check CHECK ((action = ANY (ARRAY['view'::text, 'like'::text]))),
    CONSTRAINT feed_events_event_at_check CHECK (((event_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (event_at < '2100-01-01 00:00:00+00'::timestamp with time zone)))
)
PARTITION BY RANGE (event_at);
COMMENT ON TABLE pgfeed.feed_events IS 'One row per view or like. Partitioned by month; the default partition holds small months and those that nobody made yet, see arrange_partitions()';
COMMENT ON COLUMN pgfeed.feed_events.recorded_at IS 'When the row was written or its target changed; roll_up_events() finds changed days by it';
COMMENT ON COLUMN pgfeed.feed_events.target IS 'Of a view: whether a like followed; null: the source does not say. Of a like: without meaning';
COMMENT ON COLUMN pgfeed.feed_events.attachment_id IS 'The attached table that the event is from; null: written by a client or by pgfeed ingest';
CREATE TABLE pgfeed.liked_posts (
    user_id bigint NOT NULL,
    post_id bigint NOT NULL,
    liked_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE pgfeed.liked_posts IS 'One row per user and post that the user liked, as of the last roll-up. Stays when the events are dropped';
COMMENT ON COLUMN pgfeed.liked_posts.liked_at IS 'Of the first like: time of the view if its target tells of it, else of the like row';
CREATE TABLE pgfeed.own_features (
    name text NOT NULL,
    function_name text NOT NULL,
    added_at timestamp with time zone DEFAULT now() NOT NULL,
    added_by text DEFAULT SESSION_USER NOT NULL,
    duration_seconds real
);
COMMENT ON TABLE pgfeed.own_features IS 'One row per feature that a function of the application computes as of any moment: see add_feature()';
COMMENT ON COLUMN pgfeed.own_features.name IS 'user.NAME or post.NAME';
COMMENT ON COLUMN pgfeed.own_features.function_name IS 'Schema and name of function (timestamptz, bigint[])';
COMMENT ON COLUMN pgfeed.own_features.duration_seconds IS 'What it took in the last refresh; null: there was none since it was added';
CREATE MATERIALIZED VIEW pgfeed.user_features AS ...
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW pgfeed.user_features IS 'One row per user with a profile or an event: user_features_as_of() at the cut-off of the last refresh';
CREATE MATERIALIZED VIEW pgfeed.user_topic_features AS ...
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW pgfeed.user_topic_features IS 'One row per user and topic seen: user_topic_features_as_of() at the cut-off of the last refresh';
CREATE TABLE pgfeed.users (
    user_id bigint NOT NULL,
    gender smallint,
    age smallint,
    country text,
    city text,
    exp_group smallint,
    os text,
    source text,
    key text,
    attributes jsonb
);
COMMENT ON TABLE pgfeed.users IS 'One row per user with a known profile; users without one are served too';
COMMENT ON COLUMN pgfeed.users.gender IS 'Code of the source; null: unknown';
COMMENT ON COLUMN pgfeed.users.age IS 'Years; null: unknown';
COMMENT ON COLUMN pgfeed.users.exp_group IS 'Group that the source assigned, 0-4 in the seed''s data';
COMMENT ON COLUMN pgfeed.users.source IS 'How the user came: ads or organic in the seed''s data';
COMMENT ON COLUMN pgfeed.users.key IS 'The application''s key; null: user_id is';
COMMENT ON COLUMN pgfeed.users.attributes IS 'The user''s own features by name; null: none are defined';
CREATE FUNCTION pgfeed._request_user(user_id bigint, ts timestamp with time zone) RETURNS TABLE(user_id bigint, has_profile boolean, has_history boolean, gender smallint, age smallint, country text, city text, exp_group smallint, os text, source text, view_count bigint, like_count bigint, like_rate real, days_since_active integer, topics text[], topic_view_share real[], topic_like_rate real[], liked_post_ids bytea, liked_at bytea, viewed_post_ids bytea, viewed_at bytea, hidden_post_ids bytea, attributes jsonb)
    LANGUAGE sql STABLE COST 1000 ROWS 1
    BEGIN ATOMIC
 SELECT f.user_id,
     (u.user_id IS NOT NULL),
     (COALESCE((f.view_count + f.like_count), (0)::bigint) > 0),
     f.gender,
     f.age,
     f.country,
     f.city,
     f.exp_group,
     f.os,
     f.source,
     f.view_count,
     f.like_count,
     f.like_rate,
     f.days_since_active,
     t.topics,
     t.view_shares,
     t.like_rates,
     (COALESCE(e.liked_post_ids, '\x'::bytea) || COALESCE(l.post_ids, '\x'::bytea)),
     (COALESCE(e.liked_at, '\x'::bytea) || COALESCE(l.liked_at, '\x'::bytea)),
     e.viewed_post_ids,
     e.viewed_at,
     NULL::bytea AS bytea,
     u.attributes
    FROM (((((( SELECT array_agg(p.action) FILTER (WHERE (p.sign > 0)) AS hits,
             bool_and(p.is_plain) AS is_plain
            FROM pgfeed.actions p) a
      JOIN pgfeed.user_features f ON ((f.user_id = _request_user.user_id)))
      LEFT JOIN pgfeed.users u ON ((u.user_id = _request_user.user_id)))
      CROSS JOIN LATERAL ( SELECT array_agg(r.topic) AS topics,
             array_agg(r.view_share) AS view_shares,
             array_agg(r.like_rate) AS like_rates
            FROM pgfeed.user_topic_features r
           WHERE (r.user_id = _request_user.user_id)) t)
      CROSS JOIN LATERAL ( SELECT string_agg(int8send(v.post_id), '\x'::bytea) FILTER (WHERE (v.action = 'view'::text)) AS viewed_post_ids,
             string_agg(timestamptz_send(v.event_at), '\x'::bytea) FILTER (WHERE (v.action = 'view'::text)) AS viewed_at,
             string_agg(int8send(v.post_id), '\x'::bytea) FILTER (WHERE ((v.action = ANY (a.hits)) OR v.target)) AS liked_post_ids,
             string_agg(timestamptz_send(v.event_at), '\x'::bytea) FILTER (WHERE ((v.action = ANY (a.hits)) OR v.target)) AS liked_at
            FROM pgfeed.feed_events v
           WHERE ((v.user_id = _request_user.user_id) AND (v.event_at < _request_user.ts))) e)
      CROSS JOIN LATERAL ( SELECT string_agg(int8send(k.post_id), '\x'::bytea) AS post_ids,
             string_agg(timestamptz_send(k.liked_at), '\x'::bytea) AS liked_at
            FROM pgfeed.liked_posts k
           WHERE ((k.user_id = _request_user.user_id) AND (k.liked_at < _request_user.ts))) l)
   WHERE (a.is_plain AND (NOT (EXISTS ( SELECT
            FROM pgfeed.own_features o
           WHERE (o.name ~~ 'user.%'::text)))) AND (NOT (EXISTS ( SELECT
            FROM pgfeed.attached_tables d
           WHERE ((d.kind = 'events'::text) AND (d.sync <> 'trigger'::text))))));
END;
COMMENT ON FUNCTION pgfeed._request_user(user_id bigint, ts timestamp with time zone) IS 'What _request_users() has of a user of the materialized views, in half of the time: _user_history() is in it. No row: that has to be asked, as actions take back, users have features by functions, or tables are pulled. Not for Citus, which would move one of the relations to where the others are';
CREATE FUNCTION pgfeed._request_users(ts timestamp with time zone, user_ids bigint[], is_current boolean) RETURNS TABLE(user_id bigint, has_profile boolean, has_history boolean, gender smallint, age smallint, country text, city text, exp_group smallint, os text, source text, view_count bigint, like_count bigint, like_rate real, days_since_active integer, topics text[], topic_view_share real[], topic_like_rate real[], liked_post_ids bytea, liked_at bytea, viewed_post_ids bytea, viewed_at bytea, hidden_post_ids bytea, attributes jsonb)
    LANGUAGE plpgsql STABLE COST 1000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._request_users(ts timestamp with time zone, user_ids bigint[], is_current boolean) IS 'One row per user: features, and _user_history() of it before ts. is_current: from the materialized views where the user is in them';
CREATE FUNCTION pgfeed._require_all_rows() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._require_all_rows() IS 'An error if row security hides rows of pgfeed''s own tables: for what reads an attached table by its policies, which the setting row_security = off would forbid';
CREATE FUNCTION pgfeed._require_attachment(attachment_id smallint) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._require_attachment(attachment_id smallint) IS 'An error if an attached table is not what it was';
CREATE PROCEDURE pgfeed._require_detached_user(IN user_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed._require_detached_user(IN user_id bigint) IS 'An error if an attached table has rows of a user, which would come back with its next comparison';
CREATE FUNCTION pgfeed._require_key_types(kind text, relation regclass, types jsonb) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._require_key_types(kind text, relation regclass, types jsonb) IS 'An error if another attached table names the same users or posts by keys of another kind';
CREATE PROCEDURE pgfeed._require_new_feature(IN kind text, IN name text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._require_new_feature(IN kind text, IN name text) IS 'Raises an error if a feature of users or posts cannot have this name, or one of pgfeed''s or of add_feature() has it';
CREATE FUNCTION pgfeed._require_newest_rows_index(attached pgfeed.attached_tables) RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._require_newest_rows_index(attached pgfeed.attached_tables) IS 'An error, with the statement for the index, where a call cannot find the newest rows of its user in an attached table';
CREATE FUNCTION pgfeed._rising_post_ids(ts timestamp with time zone) RETURNS bigint[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._rising_post_ids(ts timestamp with time zone) IS 'The posts of a large catalogue that trending can rank first, at most 4,000: a post rises only by likes of lately';
CREATE PROCEDURE pgfeed._roll_up_days(IN days date[])
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._roll_up_days(IN days date[]) IS 'Recomputes the daily rollups of these days, which are in order, all in one: a statement for each day would be planned over all partitions each time. Days with fewer events than were counted stay as they are';
CREATE FUNCTION pgfeed._running_arm(user_id bigint, OUT experiment_id integer, OUT arm text, OUT variant text, OUT version integer) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._running_arm(user_id bigint, OUT experiment_id integer, OUT arm text, OUT variant text, OUT version integer) IS 'One row: the user''s arm in the running experiment; nulls: none is running';
CREATE FUNCTION pgfeed._search_posts(text text, k integer) RETURNS pgfeed.similar_post[]
    LANGUAGE plpython3u STABLE SECURITY DEFINER COST 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._search_posts(text text, k integer) IS 'The rows of search_posts() as one array, see _recommend_posts()';
CREATE FUNCTION pgfeed._seen_post_ids(user_id bigint, ts timestamp with time zone, within interval) RETURNS bytea
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._seen_post_ids(user_id bigint, ts timestamp with time zone, within interval) IS 'The posts that a user viewed or was served in so long before ts, as big-endian int8, in any order; null: none';
CREATE FUNCTION pgfeed._serve_list(user_id bigint, ts timestamp with time zone, k integer, candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) RETURNS pgfeed.served_list
    LANGUAGE plpython3u STABLE COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._serve_list(user_id bigint, ts timestamp with time zone, k integer, candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) IS 'What serve_posts() gives of a feed, and what its exploration made of it; arguments: as those of _recommend_posts()';
CREATE FUNCTION pgfeed._server_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._server_probes() IS 'The rows of health() about the server';
CREATE FUNCTION pgfeed._serving_probes() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE COST 100000 ROWS 3
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._serving_probes() IS 'The rows of health() about models and what is served';
CREATE FUNCTION pgfeed._serving_state(ts timestamp with time zone, variant text, user_id bigint DEFAULT NULL::bigint, OUT is_finite boolean, OUT variants text[], OUT serving_variant text, OUT model_id bigint, OUT model_version integer, OUT features_as_of timestamp with time zone, OUT is_current boolean, OUT pack_id bigint, OUT pack_version text, OUT is_shortlist boolean, OUT hour integer, OUT weekday integer) RETURNS record
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._serving_state(ts timestamp with time zone, variant text, user_id bigint, OUT is_finite boolean, OUT variants text[], OUT serving_variant text, OUT model_id bigint, OUT model_version integer, OUT features_as_of timestamp with time zone, OUT is_current boolean, OUT pack_id bigint, OUT pack_version text, OUT is_shortlist boolean, OUT hour integer, OUT weekday integer) IS 'One row: which model and which feature pack serve a moment. variant null: the user''s arm in the running experiment, else the setting pgfeed.default_variant, else control';
CREATE FUNCTION pgfeed._sessions_at(parent regclass, OUT names text, OUT statement text) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._sessions_at(parent regclass, OUT names text, OUT statement text) IS 'Who else holds a lock on a partitioned table or a partition of it, in words, and the statement that shows what they do; nulls: nobody';
CREATE FUNCTION pgfeed._shared_pairs(name text, other text) RETURNS integer
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (SELECT (count(*))::integer AS count FROM generate_series(1, (length(_shared_pairs.name) - 1)) i(i) WHERE (strpos(lower(_shared_pairs.other), lower(substr(_shared_pairs.name, i.i, 2))) > 0));
COMMENT ON FUNCTION pgfeed._shared_pairs(name text, other text) IS 'How many pairs of neighbouring letters of a name another name has, too: the most are those of the one that was mistyped';
CREATE FUNCTION pgfeed._shortlist(as_of timestamp with time zone) RETURNS bigint[]
    LANGUAGE plpython3u STABLE COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._shortlist(as_of timestamp with time zone) IS 'The posts, ascending, of a catalogue too large to score whole that the active models find best as of a moment for typical users, and the most popular ones';
CREATE FUNCTION pgfeed._shown_post_ids(post_ids bigint[]) RETURNS bytea
    LANGUAGE plpgsql STABLE COST 1000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._shown_post_ids(post_ids bigint[]) IS 'Those of post_ids that _post_rows() has rows of, big-endian int8, in no order; null: none';
CREATE FUNCTION pgfeed._since(sentence text, seconds double precision) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._since(sentence text, seconds double precision) IS 'A sentence that ends with an age in hours or days';
CREATE FUNCTION pgfeed._slot(user_id bigint, salt text, slot_count integer) RETURNS integer
    LANGUAGE sql STABLE STRICT PARALLEL SAFE
    RETURN pgfeed._hex_modulo(md5(convert_to(((user_id)::text || salt), 'UTF8'::name)), slot_count);
COMMENT ON FUNCTION pgfeed._slot(user_id bigint, salt text, slot_count integer) IS 'Python''s int(hashlib.md5((str(user_id) + salt).encode()).hexdigest(), 16) % slot_count';
CREATE FUNCTION pgfeed._stale_days(max_days integer) RETURNS date[]
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._stale_days(max_days integer) IS 'The oldest days that roll_up_events() has yet to recompute, at most max_days: as many as one statement does. All events from the first to the last of them, those of days between them too, are few, or it is one day';
CREATE FUNCTION pgfeed._start_attachment(kind text, relation regclass, settings jsonb, sync text) RETURNS smallint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._start_attachment(kind text, relation regclass, settings jsonb, sync text) IS 'Checks what an attach_*() was told, notes it in attached_tables, makes the functions that follow the table, and gives its attachment_id';
CREATE FUNCTION pgfeed._start_recommendation_batch(ts timestamp with time zone, k integer, variant text, active_days integer) RETURNS bigint
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._start_recommendation_batch(ts timestamp with time zone, k integer, variant text, active_days integer) IS 'The unfinished batch with these arguments and the present features, or a new one in place of it';
CREATE FUNCTION pgfeed._step_times(at timestamp with time zone) RETURNS TABLE(step text, number integer, due_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed._step_times(at timestamp with time zone) IS 'One row per step that tick() has to do at a moment or later, in order of number, and from when it is due; -infinity: it was never done';
CREATE PROCEDURE pgfeed._stop_gate(IN variant text DEFAULT NULL::text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed._stop_gate(IN variant text) IS 'Ends the experiment in which a champion keeps a share, if one runs; variant: only if it is of this one';
CREATE PROCEDURE pgfeed._swap_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, IN copied_at timestamp with time zone, INOUT is_done boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '20ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed._swap_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, IN copied_at timestamp with time zone, INOUT is_done boolean) IS 'Puts the copies of _copy_partitions() in the place of their sources, and leaves those for _drop_partition_copies(). is_done false: others use the table, try again; null: the copies are of no use any more. Nobody waits for more than about 100 ms';
CREATE FUNCTION pgfeed._sync_events(attachment_id smallint, complete boolean) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._sync_events(attachment_id smallint, complete boolean) IS 'Compares the events of each day (UTC) with the attached table, by number and digest, and writes those of days that differ anew: the days since a week before the last time and those of removed events, or all: when asked, in the first week, after errors of a trigger, and once a week';
CREATE FUNCTION pgfeed._sync_rows(attachment_id smallint) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._sync_rows(attachment_id smallint) IS 'Makes users or posts what the attached table has now: writes and deletes only what differs';
CREATE PROCEDURE pgfeed._take_out_user(IN user_id bigint, IN into_user_id bigint)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed._take_out_user(IN user_id bigint, IN into_user_id bigint) IS 'Deletes a user from all tables with a user_id, or moves what there is to another one, null: none, and corrects the roll-ups by the difference. Counts of posts on days whose events are gone stay';
CREATE FUNCTION pgfeed._threshold_value(setting text, unit text) RETURNS double precision
    LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "IntervalStyle" TO 'postgres'
    AS '...';
COMMENT ON FUNCTION pgfeed._threshold_value(setting text, unit text) IS 'A threshold as a number: seconds of an interval with units, or a share of 1; null: off';
CREATE PROCEDURE pgfeed._train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer DEFAULT NULL::integer, INOUT error text[] DEFAULT NULL::text[])
    LANGUAGE plpython3u
    AS '...';
COMMENT ON PROCEDURE pgfeed._train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer, INOUT error text[]) IS 'Does what train_model() says. error: the code, message and hint of what ended it; null: nothing did. It does not raise them, as PL/Python would put its own words before and its stack behind, and what catches errors cannot commit';
CREATE FUNCTION pgfeed._training_limits() RETURNS TABLE(memory bigint, threads integer, nice integer)
    LANGUAGE plpgsql STABLE ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._training_limits() IS 'One row: what a training in the server may take, by the settings pgfeed.training_memory (bytes), pgfeed.training_threads (0: as many as there are processors) and pgfeed.training_nice';
CREATE FUNCTION pgfeed._try_attachment(attachment_id smallint) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    SET standard_conforming_strings TO 'on'
    SET transform_null_equals TO 'off'
    SET bytea_output TO 'hex'
    SET extra_float_digits TO '1'
    SET "IntervalStyle" TO 'postgres'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._try_attachment(attachment_id smallint) IS 'Reads an attached table as a refresh will; an error says why it cannot, or that its keys are not unique, or that users or posts has rows that it does not have';
CREATE FUNCTION pgfeed._undos() RETURNS text[]
    LANGUAGE plpgsql STABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._undos() IS 'The actions that take a like back; empty: there are none';
CREATE FUNCTION pgfeed._user_candidates(ts timestamp with time zone, liked bigint[]) RETURNS bigint[]
    LANGUAGE plpgsql STABLE COST 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "hnsw.ef_search" TO '100'
    AS '...';
COMMENT ON FUNCTION pgfeed._user_candidates(ts timestamp with time zone, liked bigint[]) IS 'Posts, in no order and with repetitions, that a user''s request scores beside the shortlist of a large catalogue: the 100 nearest by text to the mean of the liked ones, and the 100 newest before ts';
CREATE TABLE pgfeed.post_days (
    post_id bigint NOT NULL,
    day date NOT NULL,
    view_count integer NOT NULL,
    like_count integer NOT NULL,
    effective_view_count real
);
COMMENT ON TABLE pgfeed.post_days IS 'One row per post and day (UTC) with events';
COMMENT ON COLUMN pgfeed.post_days.like_count IS 'Likes of that day, whenever the view was';
COMMENT ON COLUMN pgfeed.post_days.effective_view_count IS 'Views by the effects of their places: likes per effective view do not depend on where the post was shown. Times the overall like rate: the likes to be expected. Null: as view_count, counted by v0.1.0';
CREATE FUNCTION pgfeed._user_days(user_ids bigint[]) RETURNS SETOF pgfeed.post_days
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._user_days(user_ids bigint[]) IS 'One row per post and day: what these users add to post_days, on days that are rolled up from the events that are there';
CREATE FUNCTION pgfeed._user_history(user_id bigint, ts timestamp with time zone, OUT liked_post_ids bytea, OUT liked_at bytea, OUT viewed_post_ids bytea, OUT viewed_at bytea, OUT hidden_post_ids bytea) RETURNS record
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._user_history(user_id bigint, ts timestamp with time zone, OUT liked_post_ids bytea, OUT liked_at bytea, OUT viewed_post_ids bytea, OUT viewed_at bytea, OUT hidden_post_ids bytea) IS 'One row: what a user liked and viewed before ts, in any order, every like and view, as plpy reads it: posts as big-endian int8, moments as such microseconds since 2000. A post can stand there more than once: the first like and views that are an hour apart count. hidden_post_ids: what is kept out of the user''s lists, null: what is liked';
CREATE FUNCTION pgfeed._user_profiles(user_ids bigint[]) RETURNS SETOF pgfeed.users
    LANGUAGE plpgsql STABLE COST 1000 ROWS 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed._user_profiles(user_ids bigint[]) IS 'The rows of users of user_ids (null: of all), for statements that also call functions: Citus would call those on a worker if users stood beside them';
CREATE FUNCTION pgfeed._user_reactions(user_id bigint, ts timestamp with time zone) RETURNS TABLE(post_id bigint, liked_at timestamp with time zone, is_hidden boolean)
    LANGUAGE plpgsql STABLE COST 1000 ROWS 100
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._user_reactions(user_id bigint, ts timestamp with time zone) IS 'One row per post that a user liked or hid before ts and did not take back, with actions of any sign. liked_at: of the first like that stands, null: none; is_hidden: it keeps the post out of the user''s lists';
CREATE FUNCTION pgfeed._user_vector(user_id bigint, ts timestamp with time zone) RETURNS real[]
    LANGUAGE plpython3u STABLE COST 10000
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON FUNCTION pgfeed._user_vector(user_id bigint, ts timestamp with time zone) IS 'A user among user_vectors by the likes before ts, of posts that have vectors since the last refresh; null: there are none';
CREATE FUNCTION pgfeed._value_condition(feature text) RETURNS text
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._value_condition(feature text) IS 'SQL that says whether a row k of users or posts has one of the values $1 (text[]) of user.NAME or post.NAME; an error if there is no such feature';
CREATE FUNCTION pgfeed._warn_of_feed(settings jsonb, filter jsonb) RETURNS void
    LANGUAGE plpgsql STABLE COST 100000
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._warn_of_feed(settings jsonb, filter jsonb) IS 'Says what of a feed works otherwise than its operator may think; settings: the arguments of create_feed(), filter: what _compiled_filter() gave, null: none';
CREATE PROCEDURE pgfeed._watch(IN variant text, IN at timestamp with time zone)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed._watch(IN variant text, IN at timestamp with time zone) IS 'Takes back the model that the gate let serve last, if it turned out to be worse than the champion or its answers are a fallback; ends the experiment of the two when its time is over';
CREATE PROCEDURE pgfeed._watch_partitions(IN parent text, INOUT months timestamp with time zone[] DEFAULT NULL::timestamp with time zone[], INOUT thin_partitions text[] DEFAULT NULL::text[], INOUT token text DEFAULT NULL::text, INOUT is_busy boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '20ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed._watch_partitions(IN parent text, INOUT months timestamp with time zone[], INOUT thin_partitions text[], INOUT token text, INOUT is_busy boolean) IS 'Plans the next moves between partitions and has changes of their rows logged from now on. Gives the moves, none: there is nothing to do; and a token that names them: null while others use the partitions. is_busy: another session makes or moves months';
CREATE FUNCTION pgfeed._without_usage() RETURNS TABLE(role_name text)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 1
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed._without_usage() IS 'One row per role that may read or call something in the schema, and may not use the schema';
CREATE PROCEDURE pgfeed.activate_model(IN variant text, IN version integer, IN force boolean DEFAULT false)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.activate_model(IN variant text, IN version integer, IN force boolean) IS 'Makes a stored model serve its variant from the next call on, in all sessions. Refused unless its features exist here and its golden sample gets the trainer''s scores; and if the gate refused it or took it back, see model_decisions, unless force: that is written down there';
CREATE PROCEDURE pgfeed.add_feature(IN name text, IN function text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.add_feature(IN name text, IN function text) IS 'Makes what a function (ts timestamptz, ids bigint[]) returns table (id bigint, value real) of the application says of users or posts the feature user.NAME or post.NAME of every recipe, from the next refresh on. It is refused if values as of a past day change when later events are deleted, which is tried and taken back. It runs as pgfeed_owner with an empty search_path, or as its owner if it is security definer';
CREATE PROCEDURE pgfeed.arrange_partitions(INOUT move_count integer DEFAULT NULL::integer)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.arrange_partitions(INOUT move_count integer) IS 'Gives months of feed_events and exposures that have become large in the default partition one of their own, puts small months that are over together into it, and gives how many months moved. Nobody waits for more than about 100 ms: where long transactions are running it leaves all as it is, for the next call; where another session arranges it waits for that. Not inside a transaction block';
CREATE PROCEDURE pgfeed.ask_for_embedding(IN embedder text DEFAULT NULL::text, INOUT job_id integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.ask_for_embedding(IN embedder text, INOUT job_id integer) IS 'Asks a worker (pgfeed worker) to embed new and changed texts as pgfeed embed does, and gives the job; the same job if that is asked for already. embedder null: the one that answers now, else the default of pgfeed embed';
CREATE PROCEDURE pgfeed.ask_for_training(IN variant text, IN recipe text DEFAULT NULL::text, IN switch boolean DEFAULT false, INOUT job_id integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.ask_for_training(IN variant text, IN recipe text, IN switch boolean, INOUT job_id integer) IS 'Asks a worker (pgfeed worker) to train a variant as pgfeed train does, by its own recipe or another one, and gives the job. switch: the gate then lets the new version serve, or not, see model_decisions. The same job if that is asked for already. See jobs and health()';
CREATE PROCEDURE pgfeed.attach_events(IN relation text, IN user_key text, IN post_key text, IN at text, IN action text DEFAULT 'view'::text, IN target text DEFAULT NULL::text, IN condition text DEFAULT NULL::text, IN sync text DEFAULT NULL::text)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.attach_events(IN relation text, IN user_key text, IN post_key text, IN at text, IN action text, IN target text, IN condition text, IN sync text) IS 'Lets the rows of a relation of the application, those that meet the condition, be events of one action, from now on. user_key, post_key, at, target, condition: SQL expressions over its columns; at: a time, without a zone of UTC; target: of a view, whether the user liked it. sync: as for attach_users(), or mixed, for a table with an index on user_key and at: its new rows are read by calls and refreshes, its updates and deletes arrive with their transaction, and an insert costs nothing more. Not inside a transaction block the load commits as it goes';
CREATE PROCEDURE pgfeed.attach_posts(IN relation text, IN key text, IN text text DEFAULT NULL::text, IN topic text DEFAULT NULL::text, IN created_at text DEFAULT NULL::text, IN available text DEFAULT NULL::text, IN features jsonb DEFAULT NULL::jsonb, IN sync text DEFAULT NULL::text)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.attach_posts(IN relation text, IN key text, IN text text, IN topic text, IN created_at text, IN available text, IN features jsonb, IN sync text) IS 'Lets posts be the rows of a relation of the application, from now on. key, text, topic, created_at, available: SQL expressions over its columns. Texts stay where they are; a post that is gone or not available leaves the answers when the application commits. features and sync: as for attach_users()';
CREATE PROCEDURE pgfeed.attach_users(IN relation text, IN key text, IN features jsonb DEFAULT NULL::jsonb, IN sync text DEFAULT NULL::text)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.attach_users(IN relation text, IN key text, IN features jsonb, IN sync text) IS 'Lets users be the rows of a relation of the application, from now on. key: an SQL expression over its columns, an integer, uuid, text or row(). features: a JSON array of columns and names with expressions, ["plan", {"age": "2026 - birth_year"}]. sync: trigger (null: for tables), changes arrive with their transaction; pull (null: for views and foreign tables), with the next refresh. Loads all that is there';
CREATE PROCEDURE pgfeed.check_features(INOUT problems text[] DEFAULT NULL::text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.check_features(INOUT problems text[]) IS 'Tries again whether features of add_feature() look ahead: a sentence for each that does, or that cannot be computed';
CREATE PROCEDURE pgfeed.conclude_experiment(IN experiment text, IN winner text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.conclude_experiment(IN experiment text, IN winner text) IS 'Stops an experiment if it runs and records which arm won; warns if no exposure was logged. What serves afterwards is the setting pgfeed.default_variant, which this does not change';
CREATE PROCEDURE pgfeed.create_event_partitions(IN from_at timestamp with time zone, IN to_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.create_event_partitions(IN from_at timestamp with time zone, IN to_at timestamp with time zone) IS 'Makes the missing monthly partitions (UTC) of feed_events from one moment to another, both included; if now is between them, those of exposures for this month and the next too. Months more than a year from now are made for members of pgfeed_operator and pgfeed_owner only, and those that have rows in the default partition by arrange_partitions(): inserts need no month. Others wait about 1 ms for each month, so many years are made in several calls; warns where the table is in use for 5 s, or reading its default partition takes longer than others may wait';
CREATE PROCEDURE pgfeed.create_experiment(IN experiment text, IN variants text[], IN weights integer[] DEFAULT NULL::integer[], IN arms text[] DEFAULT NULL::text[], IN salt text DEFAULT NULL::text, IN expected_lift double precision DEFAULT 0.05)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.create_experiment(IN experiment text, IN variants text[], IN weights integer[], IN arms text[], IN salt text, IN expected_lift double precision) IS 'Makes an experiment, not started, and warns of arms that could not serve. A variant is a model''s (test), a pinned version of it (test@3), popular or random; the first arm is the baseline. weights in hundredths of a percent, null: equal; arms: their names, null: the variants; salt null: a new one; expected_lift: the relative gain worth finding';
CREATE PROCEDURE pgfeed.create_feed(IN name text, IN filter text DEFAULT NULL::text, IN max_per jsonb DEFAULT NULL::jsonb, IN diversity real DEFAULT NULL::real, IN boosts jsonb DEFAULT NULL::jsonb, IN hide_viewed interval DEFAULT NULL::interval, IN fallbacks text[] DEFAULT NULL::text[], IN explore text DEFAULT NULL::text, IN explore_baseline boolean DEFAULT NULL::boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "IntervalStyle" TO 'postgres'
    AS '...';
COMMENT ON PROCEDURE pgfeed.create_feed(IN name text, IN filter text, IN max_per jsonb, IN diversity real, IN boosts jsonb, IN hide_viewed interval, IN fallbacks text[], IN explore text, IN explore_baseline boolean) IS 'Makes a feed that recommend_posts(..., feed => name) serves. filter: an SQL condition over the posts'' columns and features (topic, created_at, post.NAME, text.NAME) and ts, the moment of a call; it can call PostgreSQL''s own functions that depend on nothing else. max_per: how many posts with the same value a list may have, by feature: {"topic": 2}. diversity: from 0, the best posts, to 1, those that are least like each other. boosts: what is added to the score (log-odds): {"post.is_sponsored": 0.3} times its number, {"post.topic:sport": 0.1} where it has that value. hide_viewed: for how long a post is not shown again. fallbacks: variants, such as {popular_by:user.city,newest}. The first that can answers, as source says, where the model cannot: a user without profile and history, no usable model; and where the filter leaves too few posts, with posts that it keeps out. explore: off (null), careful or normal: how often one place of a list is given to a post that may be better than is known; serve_posts() logs the chances. explore_baseline: also for the users of an experiment''s pinned baseline';
CREATE PROCEDURE pgfeed.define_action(IN action text, IN sign integer DEFAULT NULL::integer, IN weight real DEFAULT NULL::real, IN hides boolean DEFAULT NULL::boolean, IN undoes text DEFAULT NULL::text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.define_action(IN action text, IN sign integer, IN weight real, IN hides boolean, IN undoes text) IS 'Lets events have an action, or changes one. sign: 1 is a like, -1 a dislike, 0 neither. weight: of an impression that it follows, in training. hides: whether it keeps the post out of the user''s lists; of view, whether a true target does. undoes: another action that it takes back. Null: as it is, for a new one sign 1, weight 1, and it hides unless its sign is 0. What counts as a like changes for all events there are, in the next roll-up';
CREATE PROCEDURE pgfeed.delete_model(IN variant text, IN version integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.delete_model(IN variant text, IN version integer) IS 'Deletes a stored model: what is left is that there was one, its metrics and its evaluations. Refused while it is active or an arm of the running experiment. rollback_model() passes over it';
CREATE PROCEDURE pgfeed.describe_model(IN variant text, IN version integer, IN note text DEFAULT NULL::text, IN tags text[] DEFAULT NULL::text[])
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.describe_model(IN variant text, IN version integer, IN note text, IN tags text[]) IS 'Writes a note and tags to a stored model, in place of those that it has; null: they stay, '''' and {}: none';
CREATE PROCEDURE pgfeed.detach(IN relation text, IN action text DEFAULT NULL::text, IN kind text DEFAULT NULL::text)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.detach(IN relation text, IN action text, IN kind text) IS 'Ends what attach_*() began: takes the triggers, grants and policies from the relation, and what came from it from users, posts or feed_events, whose days the next roll-up counts anew. action: only the events of this action; kind: only as users, posts or events; null: all that it is attached as';
CREATE PROCEDURE pgfeed.drop_events(IN before timestamp with time zone, INOUT partition_count integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed.drop_events(IN before timestamp with time zone, INOUT partition_count integer) IS 'Rolls up, drops the months of events that ended by a moment, and gives their number. What was counted of them stays, and who liked what, so that no liked post returns; features as of these months can no longer be computed. Never lets others wait: gives up when the months are in use for 5 s. Refused where one of these events came since, or a prepared transaction keeps it from being counted';
CREATE PROCEDURE pgfeed.drop_experiment(IN experiment text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.drop_experiment(IN experiment text) IS 'Deletes an experiment that was never started';
CREATE PROCEDURE pgfeed.drop_exposures(IN before timestamp with time zone, INOUT partition_count integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET lock_timeout TO '40ms'
    AS '...';
COMMENT ON PROCEDURE pgfeed.drop_exposures(IN before timestamp with time zone, INOUT partition_count integer) IS 'Drops the months of exposures that ended by a moment, and gives their number; reports forget them. Refused for months with exposures of the running experiment; never lets serve_posts wait: gives up when they are in use for 5 s';
CREATE PROCEDURE pgfeed.drop_feed(IN name text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.drop_feed(IN name text) IS 'Removes a feed: calls that name it fail from then on';
CREATE PROCEDURE pgfeed.erase_user(IN key anyelement)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed.erase_user(IN key anyelement) IS 'erase_user() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE PROCEDURE pgfeed.erase_user(IN key text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET work_mem TO '128MB'
    AS '...';
COMMENT ON PROCEDURE pgfeed.erase_user(IN key text) IS 'Deletes all that tells of a user, known or not, in one transaction: profile, events, likes, features, exposures, lists, and rows of rejected input that name the key. Counts of posts lose what this user added, except on days whose events are gone. Post vectors and packs, sums over all users, follow with the next refresh_features(); a notice names the models that have learned from the user. Refused while an attached table still has rows of the user';
CREATE FUNCTION pgfeed.experiment_arm(user_id bigint, experiment text) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.experiment_arm(user_id bigint, experiment text) IS 'The arm of a user: the one whose slots hold Python''s int(hashlib.md5((str(user_id) + salt).encode()).hexdigest(), 16) % slot_count. The same before, during and after the experiment. An unknown experiment is an error';
CREATE FUNCTION pgfeed.experiment_checks(experiment text, until timestamp with time zone DEFAULT now()) RETURNS TABLE(name text, is_ok boolean, value double precision, finding text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 100000 ROWS 3
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.experiment_checks(experiment text, until timestamp with time zone) IS 'One row per condition of a sound experiment. sample ratio: the p-value (chi-square) of users per arm against the weights, wrong below 0.001; users in two arms: how many; served without the model: a share';
CREATE FUNCTION pgfeed.experiment_days(experiment text, attribution interval DEFAULT '01:00:00'::interval, until timestamp with time zone DEFAULT now()) RETURNS TABLE(metric text, day date, arm text, user_count bigint, exposure_count bigint, value double precision, standard_error double precision, lift double precision, lift_low double precision, lift_high double precision, p_value double precision, sequential_low double precision, sequential_high double precision, sequential_p_value double precision)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1e+06 ROWS 100
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed.experiment_days(experiment text, attribution interval, until timestamp with time zone) IS 'One row per metric, day (UTC) and arm: all exposures up to that day whose attribution ended by `until`. A like counts for an exposure of its post in the time `attribution` before it. lift: relative to the first arm, with 95% interval; p_value: for a single look; sequential_*: valid whenever and however often one looks, from 30 users per arm on. Users seen in two arms are left out';
CREATE FUNCTION pgfeed.experiment_report(experiment text, attribution interval DEFAULT '01:00:00'::interval, until timestamp with time zone DEFAULT now()) RETURNS TABLE(metric text, arm text, variant text, version integer, user_count bigint, exposure_count bigint, value double precision, low double precision, high double precision, lift double precision, lift_low double precision, lift_high double precision, p_value double precision, sequential_low double precision, sequential_high double precision, sequential_p_value double precision, detectable_lift double precision, days_needed integer)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1e+06 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.experiment_report(experiment text, attribution interval, until timestamp with time zone) IS 'One row per metric and arm: the last day of experiment_days, with the version that is pinned. detectable_lift: the relative gain that a single look finds with 80% power; days_needed: further days until that is the expected lift, if exposures come as until now';
CREATE FUNCTION pgfeed.explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone DEFAULT now(), variant text DEFAULT NULL::text, feed text DEFAULT NULL::text) RETURNS TABLE(rank integer, feature text, value real, contribution double precision, advantage double precision, label text, because text)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 60
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) IS 'One row per feature: its value and its SHAP contribution to the score that recommend_posts gives the post for this user at ts, largest effect first; the contributions, with that of the row "(average)", sum to the score. The row "(times shown before)" is what it does that the user was shown the post and did not like it. A category''s value is its code: its like rate in percent. value null: unknown. With a feed, "(boost NAME)" is what that adds; the rows "(place)", among the first 1000, "(place by score)" without the feed''s rules, and "(boosts)", "(caps)" and "(diversity)", how many places up each moves the post, have a contribution of 0. advantage: how much more the feature contributes than for the mean of 24 posts of the catalogue, null: without a model. label: feature and value in people''s words; because, of the first row only: one sentence that says why, from the largest contributions of which something simple is true, null: of none. A like is named in it where the score would be lower without that like';
CREATE FUNCTION pgfeed.health() RETURNS SETOF pgfeed.probe
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1e+06 ROWS 20
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET quote_all_identifiers TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.health() IS 'One row per probe of this database, with what mends it and the figures behind it; changes nothing, works on a standby, takes about half a second. What a running refresh_features() or refresh_recommendations() is at is in its rows';
CREATE PROCEDURE pgfeed.hide_post(IN post_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.hide_post(IN post_id bigint) IS 'Keeps a post out of every answer from the next call on, in all sessions and on replicas; its events, features and embedding stay. The same as: update posts set hidden_at = now()';
CREATE PROCEDURE pgfeed.merge_users(IN from_key anyelement, IN into_key anyelement)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed.merge_users(IN from_key anyelement, IN into_key anyelement) IS 'merge_users() of keys of another type than text: integers, uuids, or rows of several columns';
CREATE PROCEDURE pgfeed.merge_users(IN from_key text, IN into_key text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.merge_users(IN from_key text, IN into_key text) IS 'Gives a user what another one did and was shown, such as a visitor who signs in, in one transaction; what both did counts once. The profile of the first one is deleted. Refused while an attached table has rows of the first one';
CREATE FUNCTION pgfeed.newest_posts(k integer DEFAULT 5, ts timestamp with time zone DEFAULT now()) RETURNS SETOF pgfeed.listed_post
    LANGUAGE plpgsql STABLE COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.newest_posts(k integer, ts timestamp with time zone) IS 'The k newest posts (1 to 1000) at ts, newest first, by created_at, where that is not known by the first event; posts that have neither come last. For one user: recommend_posts(user_id, variant => ''newest'')';
CREATE FUNCTION pgfeed.off_policy_report(model text, from_at timestamp with time zone DEFAULT NULL::timestamp with time zone, until_at timestamp with time zone DEFAULT now(), feed text DEFAULT NULL::text, most bigint DEFAULT 20000, attribution interval DEFAULT '01:00:00'::interval) RETURNS SETOF pgfeed.off_policy_estimate
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1e+06 ROWS 10
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed.off_policy_report(model text, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) IS 'What a model that was not served, VARIANT@VERSION, would have had of likes: estimates from lists of feeds that explore (create_feed), served by any model from from_at until before until_at, by default from when the model has seen no event; if there are none, the fit that was evaluated is asked about lists of the days held out. Only first pages of feeds that are there. feed: of this one alone; most: about so many lists, of randomly chosen users; attribution: for how long a like belongs to a list. Takes about as long as recommend_posts() for each list';
CREATE FUNCTION pgfeed.popular_posts(k integer DEFAULT 5, by text DEFAULT NULL::text, value text DEFAULT NULL::text, ts timestamp with time zone DEFAULT now()) RETURNS SETOF pgfeed.listed_post
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.popular_posts(k integer, by text, value text, ts timestamp with time zone) IS 'The k posts (1 to 1000) with the highest decayed like rate as of the features'' cut-off before ts, best first. by ''user.city'' and value ''Moscow'': among the users with this value, at most 2,000 of them and at least 5, else as for all; a post''s rate starts as that of all with the weight of 100 views. by ''post.topic'' or another feature of posts: of the posts with this value. For one user''s own city: recommend_posts(user_id, variant => ''popular_by:user.city'')';
CREATE FUNCTION pgfeed.post_features_as_of(ts timestamp with time zone, post_ids bigint[] DEFAULT NULL::bigint[]) RETURNS TABLE(post_id bigint, view_count bigint, like_count bigint, like_rate real, decayed_view_count_1h real, decayed_view_count_6h real, decayed_view_count_1d real, decayed_view_count_3d real, decayed_view_count_7d real, decayed_view_count_30d real, decayed_like_count_1h real, decayed_like_count_6h real, decayed_like_count_1d real, decayed_like_count_3d real, decayed_like_count_7d real, decayed_like_count_30d real, decayed_like_rate_7d real, age_days real, days_since_event real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 10000 PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON FUNCTION pgfeed.post_features_as_of(ts timestamp with time zone, post_ids bigint[]) IS 'One row per post (of post_ids; null: of all): what the events before ts say of it. Rates are likes per effective view, see place_effects, and smoothed: they start at the overall rate with the weight of 100 views. Decayed counts halve with every hour, 6 hours, day, 3, 7 or 30 days of the event''s age: exact for events of the day of ts and of the day before, from noon for older ones. age_days: since created_at, else since the first event; null: neither is known';
CREATE FUNCTION pgfeed.post_id_of(key anyelement) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.post_id_of(key anyelement) IS 'post_id_of() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE FUNCTION pgfeed.post_id_of(key text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.post_id_of(key text) IS 'The post_id of a key of the application, of a post that is known or not: an integer is its own; null for null';
CREATE FUNCTION pgfeed.post_key_of(post_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.post_key_of(post_id bigint) IS 'The application''s key of a post_id; the id itself where that is the key, or the post is not known';
CREATE FUNCTION pgfeed.rank_for(user_key anyelement, post_keys text[], ts timestamp with time zone DEFAULT now(), variant text DEFAULT NULL::text) RETURNS TABLE(rank integer, post_key text, score double precision, status text)
    LANGUAGE plpgsql STABLE COST 10000 ROWS 50
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.rank_for(user_key anyelement, post_keys text[], ts timestamp with time zone, variant text) IS 'rank_for() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE FUNCTION pgfeed.rank_for(user_key text, post_keys text[], ts timestamp with time zone DEFAULT now(), variant text DEFAULT NULL::text) RETURNS TABLE(rank integer, post_key text, score double precision, status text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 50
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.rank_for(user_key text, post_keys text[], ts timestamp with time zone, variant text) IS 'The rows of rank_posts() for the application''s own key of a user and its keys of the posts. status: see ranked_post';
CREATE FUNCTION pgfeed.rank_posts(user_id bigint, post_ids bigint[], ts timestamp with time zone DEFAULT now(), variant text DEFAULT NULL::text) RETURNS SETOF pgfeed.ranked_post
    LANGUAGE plpgsql STABLE COST 10000 ROWS 50
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.rank_posts(user_id bigint, post_ids bigint[], ts timestamp with time zone, variant text) IS 'One row per post of post_ids (at most 100,000, a repeated one once): those that recommend_posts() could give the user at ts with their ranks, best first, with the same scores; then the others, in their order, without a rank';
CREATE FUNCTION pgfeed.recommend_for(user_key anyelement, ts timestamp with time zone DEFAULT now(), k integer DEFAULT 5, variant text DEFAULT NULL::text, session text[] DEFAULT NULL::text[], candidates text[] DEFAULT NULL::text[], exclude text[] DEFAULT NULL::text[], hide_viewed interval DEFAULT NULL::interval, max_per_topic integer DEFAULT NULL::integer, feed text DEFAULT NULL::text, after text DEFAULT NULL::text) RETURNS SETOF pgfeed.keyed_recommendation
    LANGUAGE plpgsql STABLE COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.recommend_for(user_key anyelement, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) IS 'recommend_for() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE FUNCTION pgfeed.recommend_for(user_key text, ts timestamp with time zone DEFAULT now(), k integer DEFAULT 5, variant text DEFAULT NULL::text, session text[] DEFAULT NULL::text[], candidates text[] DEFAULT NULL::text[], exclude text[] DEFAULT NULL::text[], hide_viewed interval DEFAULT NULL::interval, max_per_topic integer DEFAULT NULL::integer, feed text DEFAULT NULL::text, after text DEFAULT NULL::text) RETURNS SETOF pgfeed.keyed_recommendation
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.recommend_for(user_key text, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) IS 'The rows of recommend_posts() for the application''s own key of a user, with its keys of the posts; session: the keys of posts that were just read; candidates and exclude: keys, too';
CREATE FUNCTION pgfeed.recommend_posts(user_id bigint, ts timestamp with time zone DEFAULT now(), k integer DEFAULT 5, variant text DEFAULT NULL::text, session bigint[] DEFAULT NULL::bigint[], candidates bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], hide_viewed interval DEFAULT NULL::interval, max_per_topic integer DEFAULT NULL::integer, feed text DEFAULT NULL::text, after text DEFAULT NULL::text) RETURNS SETOF pgfeed.recommendation
    LANGUAGE plpgsql STABLE COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) IS 'The k posts (1 to 1000) that a user will most likely like at ts, best first, never one that the user liked before ts or hid by another of the actions. variant null: the user''s arm in the running experiment, else the setting pgfeed.default_variant, or control. Uses no event at or after ts. session: posts that were just read, the newest last: they count as liked and are not recommended, and user_id may be null, for a visitor of whom nothing else is known. candidates: only these posts, unknown ids are ignored; exclude: none of these; hide_viewed: none that the user viewed or was served in so long before ts; max_per_topic: no more of a topic while there are other posts; feed: the rules of this one, see create_feed(); after: the page after the one whose last row had this cursor';
CREATE PROCEDURE pgfeed.recount_days(IN from_day date, IN to_day date, INOUT day_count integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed.recount_days(IN from_day date, IN to_day date, INOUT day_count integer) IS 'After events were deleted on purpose: counts these days (UTC) by the events that are there now, and forgets likes that are gone, then rolls up as roll_up_events() does and says how many days. Days whose events drop_events() dropped are refused until as many are there again';
CREATE PROCEDURE pgfeed.refresh_features(IN as_of timestamp with time zone DEFAULT NULL::timestamp with time zone, INOUT refresh_id bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET work_mem TO '128MB'
    SET quote_all_identifiers TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.refresh_features(IN as_of timestamp with time zone, INOUT refresh_id bigint) IS 'Rolls up new events, refreshes all materialized views and packs the post matrix, as one version in one transaction, and gives its refresh_id. as_of null: now, or the midnight (UTC) after the newest event where that is earlier';
CREATE PROCEDURE pgfeed.refresh_recommendations(IN ts timestamp with time zone DEFAULT NULL::timestamp with time zone, IN k integer DEFAULT 5, IN variant text DEFAULT NULL::text, IN active_days integer DEFAULT NULL::integer, INOUT batch_id bigint DEFAULT NULL::bigint)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.refresh_recommendations(IN ts timestamp with time zone, IN k integer, IN variant text, IN active_days integer, INOUT batch_id bigint) IS 'Fills recommendations with what recommend_posts gives for all users of the last refresh (active_days: only those with an event in so many days before it), 200 users a transaction, and gives the batch. ts null: now. Called again after an interruption it goes on with that batch, unless it asks for something else or the features were refreshed since. Called in several sessions they share the work. Not inside a transaction block';
CREATE PROCEDURE pgfeed.remove_action(IN action text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.remove_action(IN action text) IS 'Refuses further events with an action that define_action() defined and that no event has';
CREATE PROCEDURE pgfeed.remove_feature(IN name text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.remove_feature(IN name text) IS 'Forgets a feature of add_feature(). Models that have it serve until the next refresh, then users get popular posts until others are activated';
CREATE FUNCTION pgfeed.replay_exposure(exposure_id uuid, served_at timestamp with time zone DEFAULT NULL::timestamp with time zone) RETURNS TABLE(rank integer, post_id bigint, score double precision, propensity real)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 100000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.replay_exposure(exposure_id uuid, served_at timestamp with time zone) IS 'The list of an exposure made again, by the version, the features and the moment that it was served with: one row per place, with the probability of the post there. An error says why it does not come out the same. served_at finds the exposure faster';
CREATE PROCEDURE pgfeed.roll_up_events(IN max_days integer DEFAULT NULL::integer, IN from_day date DEFAULT NULL::date, INOUT day_count integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    SET plan_cache_mode TO 'force_custom_plan'
    AS '...';
COMMENT ON PROCEDURE pgfeed.roll_up_events(IN max_days integer, IN from_day date, INOUT day_count integer) IS 'Recomputes the daily rollups of the days that have new events, oldest first, and says how many it did; then counts what became of the lists that were served, see served_days. max_days: at most so many, and new events are looked for only when no day is left over. from_day: recompute from that day on. A day with fewer events than were counted stays as it is, with a warning: recount_days() lets it shrink';
CREATE PROCEDURE pgfeed.rollback_model(IN variant text, INOUT version integer DEFAULT NULL::integer)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.rollback_model(IN variant text, INOUT version integer) IS 'Makes the model serve again that was active before the present one, and gives its version; once more goes back one more. Deleted models are passed over';
CREATE FUNCTION pgfeed.search_posts(text text, k integer DEFAULT 5) RETURNS SETOF pgfeed.similar_post
    LANGUAGE plpgsql STABLE COST 100000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.search_posts(text text, k integer) IS 'The k posts (1 to 100) whose texts are nearest in meaning to a text, in any of the embedder''s languages, best first. The first call of a session loads the embedder: about a second, 190 MB. Needs the embeddings of the embedder use. No rows for an empty text';
CREATE FUNCTION pgfeed.serve_for(user_key anyelement, ts timestamp with time zone DEFAULT now(), k integer DEFAULT 5, candidates text[] DEFAULT NULL::text[], exclude text[] DEFAULT NULL::text[], hide_viewed interval DEFAULT NULL::interval, max_per_topic integer DEFAULT NULL::integer, feed text DEFAULT NULL::text, after text DEFAULT NULL::text) RETURNS SETOF pgfeed.keyed_recommendation
    LANGUAGE plpgsql COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.serve_for(user_key anyelement, ts timestamp with time zone, k integer, candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) IS 'serve_for() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE FUNCTION pgfeed.serve_for(user_key text, ts timestamp with time zone DEFAULT now(), k integer DEFAULT 5, candidates text[] DEFAULT NULL::text[], exclude text[] DEFAULT NULL::text[], hide_viewed interval DEFAULT NULL::interval, max_per_topic integer DEFAULT NULL::integer, feed text DEFAULT NULL::text, after text DEFAULT NULL::text) RETURNS SETOF pgfeed.keyed_recommendation
    LANGUAGE plpgsql SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.serve_for(user_key text, ts timestamp with time zone, k integer, candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) IS 'The rows of recommend_for() for the same arguments, and one row in exposures, as by serve_posts()';
CREATE FUNCTION pgfeed.serve_posts(user_id bigint, ts timestamp with time zone DEFAULT now(), k integer DEFAULT 5, candidates bigint[] DEFAULT NULL::bigint[], exclude bigint[] DEFAULT NULL::bigint[], hide_viewed interval DEFAULT NULL::interval, max_per_topic integer DEFAULT NULL::integer, feed text DEFAULT NULL::text, after text DEFAULT NULL::text) RETURNS SETOF pgfeed.recommendation
    LANGUAGE plpgsql SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.serve_posts(user_id bigint, ts timestamp with time zone, k integer, candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) IS 'The rows of recommend_posts() for the same arguments, and one row in exposures that tells what was served. No posts: no exposure. On a read-only server an error: call recommend_posts there';
CREATE PROCEDURE pgfeed.set_bi_schema(IN name text DEFAULT 'feed_bi'::text)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON PROCEDURE pgfeed.set_bi_schema(IN name text) IS 'Gives BI tools views of what they can show in a schema of this name, which does not begin with pg: some tools hide such schemas. Renames the one that is there; null: drops it. migrate makes feed_bi, if no schema has that name. Called by a superuser';
CREATE PROCEDURE pgfeed.set_schedule(IN variant text, IN train interval DEFAULT NULL::interval, IN train_in text DEFAULT 'worker'::text, IN recipe text DEFAULT NULL::text, IN switch boolean DEFAULT true, IN margin real DEFAULT 0.02, IN champion_share real DEFAULT 0.05, IN champion_time interval DEFAULT '7 days'::interval)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.set_schedule(IN variant text, IN train interval, IN train_in text, IN recipe text, IN switch boolean, IN margin real, IN champion_share real, IN champion_time interval) IS 'Lets tick() train a variant so often (train), by a worker or in its own session (then a worker compares), by its own recipe or another one. switch: the gate lets a new version serve if it is not clearly behind the active one by more than margin and trips no guardrail, see model_decisions; then the champion keeps champion_share of the users for champion_time, and a clearly worse model is taken back. All arguments are set anew; train null: it is trained no more';
CREATE PROCEDURE pgfeed.set_upkeep(IN refresh interval DEFAULT '1 day'::interval, IN embed boolean DEFAULT true, IN recommend interval DEFAULT NULL::interval, IN keep_events interval DEFAULT NULL::interval, IN keep_exposures interval DEFAULT NULL::interval)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.set_upkeep(IN refresh interval, IN embed boolean, IN recommend interval, IN keep_events interval, IN keep_exposures interval) IS 'Says how often tick() refreshes the features and fills recommendations (null: not), whether it asks a worker to embed new posts, and after what time it drops months of events and exposures (null: never). All arguments are set anew';
CREATE FUNCTION pgfeed.similar_posts(post_id bigint, k integer DEFAULT 5) RETURNS SETOF pgfeed.similar_post
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.similar_posts(post_id bigint, k integer) IS 'The k posts (1 to 100) whose texts are most similar to the text of a post, best first, never the post itself. No rows for a post that is unknown, has no text, or came after the last pgfeed embed';
CREATE FUNCTION pgfeed.similar_users(user_id bigint, k integer DEFAULT 5) RETURNS SETOF pgfeed.similar_user
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.similar_users(user_id bigint, k integer) IS 'The k users (1 to 100) who like most nearly what a user likes, best first, ties by user_id: cosine of the vectors of the factor model. The user''s own likes count up to now, those of the others up to the last refresh. No rows for a user without likes';
CREATE FUNCTION pgfeed.similar_users_for(user_key anyelement, k integer DEFAULT 5) RETURNS SETOF pgfeed.keyed_similar_user
    LANGUAGE plpgsql STABLE COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.similar_users_for(user_key anyelement, k integer) IS 'similar_users_for() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE FUNCTION pgfeed.similar_users_for(user_key text, k integer DEFAULT 5) RETURNS SETOF pgfeed.keyed_similar_user
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.similar_users_for(user_key text, k integer) IS 'The rows of similar_users() for the application''s own key of a user, with its keys of the users';
CREATE PROCEDURE pgfeed.start_experiment(IN experiment text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.start_experiment(IN experiment text) IS 'From the next call on, recommend_posts and serve_posts follow the arms of the experiment, in all sessions. Refused while another one runs (that of a gate ends), after it was started once, and if a model of an arm cannot serve';
CREATE PROCEDURE pgfeed.stop_experiment(IN experiment text)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.stop_experiment(IN experiment text) IS 'Ends an experiment: from the next call on everybody gets the default variant. Its exposures stay';
CREATE PROCEDURE pgfeed.sync_attachments(IN complete boolean DEFAULT false)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'on'
    SET "TimeZone" TO 'UTC'
    SET "DateStyle" TO 'ISO, YMD'
    AS '...';
COMMENT ON PROCEDURE pgfeed.sync_attachments(IN complete boolean) IS 'Brings what attached tables have to pgfeed and mends what their triggers missed, as refresh_features() does first. complete: compares the events of all days, not only of the last week';
CREATE FUNCTION pgfeed.thresholds() RETURNS TABLE(name text, setting text, warns_at double precision, fails_at double precision, unit text, meaning text, problem text)
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.thresholds() IS 'One row per threshold of health(): a setting of the database (alter database ... set), which new sessions see. warns_at is two thirds of fails_at; null: off. problem: why the setting is not understood, then the default holds';
CREATE PROCEDURE pgfeed.tick(IN at timestamp with time zone DEFAULT now(), INOUT steps text[] DEFAULT NULL::text[])
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.tick(IN at timestamp with time zone, INOUT steps text[]) IS 'Does what is due by set_upkeep() and set_schedule(), each step in transactions of its own, and gives the steps that it did: rolls up, refreshes, asks for embedding and training or trains, fills recommendations, drops old months. A step that fails keeps no other from being done, is in health(), and is tried again after an hour; one that was interrupted, by the next call (arrange, recommend and training in the server: after an hour). Where another session is at it, it does nothing. at: for tests, the moment that it takes for now. Not inside a transaction block';
CREATE PROCEDURE pgfeed.train_model(IN variant text, IN recipe text DEFAULT NULL::text, IN until date DEFAULT NULL::date, IN seed integer DEFAULT NULL::integer, INOUT version integer DEFAULT NULL::integer)
    LANGUAGE plpgsql
    AS '...';
COMMENT ON PROCEDURE pgfeed.train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer) IS 'Trains a variant as pgfeed train does, by the server''s own Python, stores the model, inactive, and gives its version. recipe: control, test, test_fresh, negatives or a text of TOML; null: the variant''s own, else that of its newest version, else the one that suits the feed. until: learns from days before it only. seed: of the trees. One training at a time, in a process that the settings pgfeed.training_memory, pgfeed.training_threads and pgfeed.training_nice limit. It commits as it goes: not inside a transaction block. Notices and health() say how far it is';
CREATE FUNCTION pgfeed.trending_posts(k integer DEFAULT 5, half_life interval DEFAULT '1 day'::interval, ts timestamp with time zone DEFAULT now()) RETURNS SETOF pgfeed.listed_post
    LANGUAGE plpgsql STABLE COST 10000 ROWS 5
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.trending_posts(k integer, half_life interval, ts timestamp with time zone) IS 'The k posts (1 to 1000) whose like rate has risen most at ts, the most surprising first. Present: views and likes before ts that halve with every half_life (1 hour, 6 hours, 1, 3 or 7 days); past: the rest of those that halve in 30 days. Score: the signed root of the log-likelihood ratio of the two rates (Dunning 1993), in standard deviations, so that a few likes prove little. For one user: recommend_posts(user_id, variant => ''trending'') or ''trending:6h''';
CREATE PROCEDURE pgfeed.unhide_post(IN post_id bigint)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON PROCEDURE pgfeed.unhide_post(IN post_id bigint) IS 'Lets a hidden post be recommended again from the next call on. The same as: update posts set hidden_at = null';
CREATE FUNCTION pgfeed.user_id_of(key anyelement) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS '...';
COMMENT ON FUNCTION pgfeed.user_id_of(key anyelement) IS 'user_id_of() of a key of another type than text: integer, uuid, or a row of several columns';
CREATE FUNCTION pgfeed.user_id_of(key text) RETURNS bigint
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.user_id_of(key text) IS 'The user_id of a key of the application, of a user that is known or not: an integer is its own; null for null';
CREATE FUNCTION pgfeed.user_key_of(user_id bigint) RETURNS text
    LANGUAGE plpgsql STABLE STRICT SECURITY DEFINER PARALLEL SAFE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.user_key_of(user_id bigint) IS 'The application''s key of a user_id; the id itself where that is the key, or the user is not known';
CREATE FUNCTION pgfeed.warm_up() RETURNS integer
    LANGUAGE plpgsql STABLE SECURITY DEFINER COST 1e+06
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET row_security TO 'off'
    AS '...';
COMMENT ON FUNCTION pgfeed.warm_up() IS 'Loads the present features, all active models and those that the running experiment pins into the session, so that its next recommend_posts is a warm one, and says how many models; 0 before the first refresh. For a pooler''s connect query';
CREATE FUNCTION pgfeed.wilson_high(hits double precision, trials double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN (trials > (0)::double precision) THEN LEAST(GREATEST((((hits + (1.920729410347062)::double precision) + ((1.959963984540054)::double precision * sqrt(((hits * ((1)::double precision - (hits / trials))) + (0.960364705173531)::double precision)))) / (trials + (3.841458820694124)::double precision)), (0)::double precision), (1)::double precision) ELSE NULL::double precision END;
COMMENT ON FUNCTION pgfeed.wilson_high(hits double precision, trials double precision) IS 'Upper end of the 95% interval of a share, hits of trials (Wilson 1927, doi 10.1080/01621459.1927.10502953); null: no trials. For sums over rows of served_days, too: wilson_high(sum(hit_count), sum(list_count))';
CREATE FUNCTION pgfeed.wilson_low(hits double precision, trials double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN CASE WHEN (trials > (0)::double precision) THEN LEAST(GREATEST((((hits + (1.920729410347062)::double precision) - ((1.959963984540054)::double precision * sqrt(((hits * ((1)::double precision - (hits / trials))) + (0.960364705173531)::double precision)))) / (trials + (3.841458820694124)::double precision)), (0)::double precision), (1)::double precision) ELSE NULL::double precision END;
COMMENT ON FUNCTION pgfeed.wilson_low(hits double precision, trials double precision) IS 'Lower end of the 95% interval of a share, hits of trials (Wilson 1927, doi 10.1080/01621459.1927.10502953); null: no trials. For sums over rows of served_days, too: wilson_low(sum(hit_count), sum(list_count))';
CREATE TABLE pgfeed.posts (
    post_id bigint NOT NULL,
    text text,
    topic text,
    created_at timestamp with time zone,
    hidden_at timestamp with time zone,
    key text,
    attributes jsonb,
    is_withdrawn boolean DEFAULT false NOT NULL,
    is_new boolean DEFAULT true NOT NULL,
    CONSTRAINT posts_created_at_check CHECK (isfinite(created_at)),
    CONSTRAINT posts_hidden_at_check CHECK (isfinite(hidden_at))
);
COMMENT ON TABLE pgfeed.posts IS 'One row per post that can be recommended: the catalogue';
COMMENT ON COLUMN pgfeed.posts.text IS 'Null: not loaded, or known only from events';
COMMENT ON COLUMN pgfeed.posts.topic IS 'Null: unknown';
COMMENT ON COLUMN pgfeed.posts.created_at IS 'Null: unknown, then the post was always there and its age counts from its first event';
COMMENT ON COLUMN pgfeed.posts.hidden_at IS 'Null: shown. Else no answer has the post, whatever its ts';
COMMENT ON COLUMN pgfeed.posts.key IS 'The application''s key; null: post_id is';
COMMENT ON COLUMN pgfeed.posts.attributes IS 'The post''s own features by name; null: none are defined';
COMMENT ON COLUMN pgfeed.posts.is_withdrawn IS 'True: hidden because the attached table says that it is not available, and shown again when it is';
COMMENT ON COLUMN pgfeed.posts.is_new IS 'True: post_features does not have it yet, each request computes what its row and text say of it';
CREATE TABLE pgfeed.recommendations (
    user_id bigint NOT NULL,
    rank integer NOT NULL,
    post_id bigint NOT NULL,
    score double precision NOT NULL,
    variant text NOT NULL,
    source text NOT NULL,
    model_version integer,
    features_as_of timestamp with time zone NOT NULL,
    recommended_at timestamp with time zone NOT NULL,
    batch_id bigint NOT NULL
);
COMMENT ON TABLE pgfeed.recommendations IS 'One row per user and rank: what recommend_posts gave at recommended_at, by the newest batch that reached the user. A user''s rows are replaced together; while a batch runs, users have lists of either batch, see batch_id. A batch of all users drops the users that it did not reach';
COMMENT ON COLUMN pgfeed.recommendations.user_id IS 'See users';
COMMENT ON COLUMN pgfeed.recommendations.rank IS 'From 1 on, best first';
COMMENT ON COLUMN pgfeed.recommendations.post_id IS 'See posts';
COMMENT ON COLUMN pgfeed.recommendations.score IS 'As recommend_posts gives it: compare within a list only';
COMMENT ON COLUMN pgfeed.recommendations.variant IS 'Of the model, or what ranked without one';
COMMENT ON COLUMN pgfeed.recommendations.source IS 'model, cold_start, popular or random, as recommend_posts gives it';
COMMENT ON COLUMN pgfeed.recommendations.model_version IS 'Null: no model served';
COMMENT ON COLUMN pgfeed.recommendations.features_as_of IS 'The cut-off of the features';
COMMENT ON COLUMN pgfeed.recommendations.recommended_at IS 'The moment (ts) that the list is for';
COMMENT ON COLUMN pgfeed.recommendations.batch_id IS 'See recommendation_batches';
CREATE VIEW pgfeed.current_recommendations AS ...;
COMMENT ON VIEW pgfeed.current_recommendations IS 'One row per user and rank, as in recommendations, with the post and the user''s profile (null: unknown). Posts deleted or hidden since are left out; of those that an attached table has made unavailable since the last refresh the text is null';
COMMENT ON COLUMN pgfeed.current_recommendations.user_id IS 'See users';
COMMENT ON COLUMN pgfeed.current_recommendations.rank IS 'From 1 on, best first';
COMMENT ON COLUMN pgfeed.current_recommendations.post_id IS 'See posts';
COMMENT ON COLUMN pgfeed.current_recommendations.topic IS 'Of the post; null: it has none';
COMMENT ON COLUMN pgfeed.current_recommendations.text IS 'Of the post; null: none, or not available now';
COMMENT ON COLUMN pgfeed.current_recommendations.score IS 'As recommend_posts gives it: compare within a list only';
COMMENT ON COLUMN pgfeed.current_recommendations.source IS 'model, cold_start or what ranked without a model';
COMMENT ON COLUMN pgfeed.current_recommendations.variant IS 'Of the model, or what ranked without one';
COMMENT ON COLUMN pgfeed.current_recommendations.model_version IS 'Null: no model served';
COMMENT ON COLUMN pgfeed.current_recommendations.features_as_of IS 'The cut-off of the features';
COMMENT ON COLUMN pgfeed.current_recommendations.recommended_at IS 'The moment (ts) that the list is for';
COMMENT ON COLUMN pgfeed.current_recommendations.gender IS '0 or 1, as it was loaded';
COMMENT ON COLUMN pgfeed.current_recommendations.age IS 'Years';
COMMENT ON COLUMN pgfeed.current_recommendations.country IS 'As it was loaded';
COMMENT ON COLUMN pgfeed.current_recommendations.city IS 'As it was loaded';
COMMENT ON COLUMN pgfeed.current_recommendations.exp_group IS 'As it was loaded';
COMMENT ON COLUMN pgfeed.current_recommendations.os IS 'As it was loaded';
COMMENT ON COLUMN pgfeed.current_recommendations.user_source IS 'How the user came: source in users';
COMMENT ON COLUMN pgfeed.current_recommendations.user_key IS 'The application''s key; user_id, if that is it';
COMMENT ON COLUMN pgfeed.current_recommendations.post_key IS 'The application''s key; post_id, if that is it';
CREATE VIEW feed_bi.current_recommendations AS ...;
COMMENT ON VIEW feed_bi.current_recommendations IS 'One row per user and rank, as in recommendations, with the post and the user''s profile (null: unknown). Posts deleted or hidden since are left out; of those that an attached table has made unavailable since the last refresh the text is null';
COMMENT ON COLUMN feed_bi.current_recommendations.user_id IS 'See users';
COMMENT ON COLUMN feed_bi.current_recommendations.rank IS 'From 1 on, best first';
COMMENT ON COLUMN feed_bi.current_recommendations.post_id IS 'See posts';
COMMENT ON COLUMN feed_bi.current_recommendations.topic IS 'Of the post; null: it has none';
COMMENT ON COLUMN feed_bi.current_recommendations.text IS 'Of the post; null: none, or not available now';
COMMENT ON COLUMN feed_bi.current_recommendations.score IS 'As recommend_posts gives it: compare within a list only';
COMMENT ON COLUMN feed_bi.current_recommendations.source IS 'model, cold_start or what ranked without a model';
COMMENT ON COLUMN feed_bi.current_recommendations.variant IS 'Of the model, or what ranked without one';
COMMENT ON COLUMN feed_bi.current_recommendations.model_version IS 'Null: no model served';
COMMENT ON COLUMN feed_bi.current_recommendations.features_as_of IS 'The cut-off of the features';
COMMENT ON COLUMN feed_bi.current_recommendations.recommended_at IS 'The moment (ts) that the list is for';
COMMENT ON COLUMN feed_bi.current_recommendations.gender IS '0 or 1, as it was loaded';
COMMENT ON COLUMN feed_bi.current_recommendations.age IS 'Years';
COMMENT ON COLUMN feed_bi.current_recommendations.country IS 'As it was loaded';
COMMENT ON COLUMN feed_bi.current_recommendations.city IS 'As it was loaded';
COMMENT ON COLUMN feed_bi.current_recommendations.exp_group IS 'As it was loaded';
COMMENT ON COLUMN feed_bi.current_recommendations.os IS 'As it was loaded';
COMMENT ON COLUMN feed_bi.current_recommendations.user_source IS 'How the user came: source in users';
COMMENT ON COLUMN feed_bi.current_recommendations.user_key IS 'The application''s key; user_id, if that is it';
COMMENT ON COLUMN feed_bi.current_recommendations.post_key IS 'The application''s key; post_id, if that is it';
CREATE TABLE pgfeed.model_activations (
    activation_id bigint NOT NULL,
    variant text NOT NULL,
    version integer NOT NULL,
    activated_at timestamp with time zone DEFAULT now() NOT NULL,
    activated_by text DEFAULT SESSION_USER NOT NULL,
    replaced_activation_id bigint
);
COMMENT ON TABLE pgfeed.model_activations IS 'One row per activation or rollback: the newest of a variant is what serves';
COMMENT ON COLUMN pgfeed.model_activations.replaced_activation_id IS 'Where rollback_model() goes back to';
CREATE TABLE pgfeed.models (
    model_id bigint NOT NULL,
    variant text NOT NULL,
    version integer NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    artifact bytea NOT NULL,
    sha256 text NOT NULL,
    feature_names text[] NOT NULL,
    encoders jsonb NOT NULL,
    trained_from timestamp with time zone,
    trained_until timestamp with time zone,
    parameters jsonb NOT NULL,
    metrics jsonb NOT NULL,
    golden_matrix bytea NOT NULL,
    golden_scores double precision[] NOT NULL,
    evaluation_artifact bytea,
    evaluated_from timestamp with time zone,
    evaluated_until timestamp with time zone,
    trees bytea,
    note text,
    tags text[] DEFAULT '{}'::text[] NOT NULL,
    deleted_at timestamp with time zone,
    CONSTRAINT models_artifact_check CHECK ((length(artifact) <= 268435456)),
    CONSTRAINT models_variant_check CHECK ((variant ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT models_version_check CHECK ((version > 0))
);
ALTER TABLE ONLY pgfeed.models ALTER COLUMN artifact SET STORAGE EXTERNAL;
COMMENT ON TABLE pgfeed.models IS 'One row per trained model; which one serves is in active_models';
COMMENT ON COLUMN pgfeed.models.artifact IS 'Native CatBoost format (.cbm), at most 256 MB';
COMMENT ON COLUMN pgfeed.models.feature_names IS 'In the order of the model''s input';
COMMENT ON COLUMN pgfeed.models.encoders IS 'Codes of categories by feature name';
COMMENT ON COLUMN pgfeed.models.trained_until IS 'No event at or after it was seen in training';
COMMENT ON COLUMN pgfeed.models.golden_matrix IS 'A sample of inputs: big-endian float4, row after row';
COMMENT ON COLUMN pgfeed.models.golden_scores IS 'What the trainer''s CatBoost gave for golden_matrix';
COMMENT ON COLUMN pgfeed.models.evaluation_artifact IS 'The model before it was fitted again on the held-out days, from evaluated_from to evaluated_until: evaluations measure it in place of the artifact. Null: nothing was fitted again';
COMMENT ON COLUMN pgfeed.models.evaluated_from IS 'No event at or after it was seen by the evaluation_artifact';
COMMENT ON COLUMN pgfeed.models.evaluated_until IS 'End of the held-out days that the held_out metrics are of';
COMMENT ON COLUMN pgfeed.models.trees IS 'What a session needs of the artifact to score without CatBoost, see plpy/trees.py. Null: stored by v0.1.0, or not symmetric trees of numbers: sessions read the artifact';
COMMENT ON COLUMN pgfeed.models.note IS 'Of describe_model(); null: none';
COMMENT ON COLUMN pgfeed.models.tags IS 'Of describe_model(), in order';
COMMENT ON COLUMN pgfeed.models.deleted_at IS 'When delete_model() emptied it; the row stays, so that no other model gets its version. Null: it is there';
CREATE VIEW pgfeed.active_models AS ...;
COMMENT ON VIEW pgfeed.active_models IS 'One row per variant: the model that serves it now';
CREATE TABLE pgfeed.feature_refreshes (
    refresh_id bigint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    started_at timestamp with time zone NOT NULL,
    finished_at timestamp with time zone,
    post_count bigint
);
COMMENT ON TABLE pgfeed.feature_refreshes IS 'One row per refresh_features(): the newest is what the materialized views hold';
COMMENT ON COLUMN pgfeed.feature_refreshes.as_of IS 'The cut-off: no event at or after it is in the features';
COMMENT ON COLUMN pgfeed.feature_refreshes.post_count IS 'Posts of the catalogue; null: from before there was this column';
CREATE TABLE pgfeed.recommendation_batches (
    batch_id bigint NOT NULL,
    recommended_at timestamp with time zone NOT NULL,
    is_now boolean NOT NULL,
    k integer NOT NULL,
    variant text,
    active_days integer,
    features_as_of timestamp with time zone NOT NULL,
    user_count bigint NOT NULL,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    finished_at timestamp with time zone,
    post_count integer,
    catalogue_count integer,
    topic_diversity double precision
);
COMMENT ON TABLE pgfeed.recommendation_batches IS 'One row per refresh_recommendations() that was finished or can go on; at most one can go on';
COMMENT ON COLUMN pgfeed.recommendation_batches.batch_id IS 'Counts up';
COMMENT ON COLUMN pgfeed.recommendation_batches.recommended_at IS 'The moment (ts) that the lists are for';
COMMENT ON COLUMN pgfeed.recommendation_batches.is_now IS 'Whether no moment was asked for: then lists after a refresh in the middle are for the moment of that refresh';
COMMENT ON COLUMN pgfeed.recommendation_batches.k IS 'Posts in a list, at most';
COMMENT ON COLUMN pgfeed.recommendation_batches.variant IS 'As asked for; null: as recommend_posts chooses';
COMMENT ON COLUMN pgfeed.recommendation_batches.active_days IS 'Only users with an event in so many days before the features'' cut-off; null: all users';
COMMENT ON COLUMN pgfeed.recommendation_batches.features_as_of IS 'The cut-off of the features at the start';
COMMENT ON COLUMN pgfeed.recommendation_batches.user_count IS 'Users whom it is for';
COMMENT ON COLUMN pgfeed.recommendation_batches.started_at IS 'Of its first call';
COMMENT ON COLUMN pgfeed.recommendation_batches.finished_at IS 'Null: at work or interrupted';
COMMENT ON COLUMN pgfeed.recommendation_batches.post_count IS 'Different posts in its lists; null: not finished, or from before there was this column';
COMMENT ON COLUMN pgfeed.recommendation_batches.catalogue_count IS 'Posts not hidden when it was finished';
COMMENT ON COLUMN pgfeed.recommendation_batches.topic_diversity IS 'Mean of its lists'' topic_diversity, see recommendation_lists';
CREATE TABLE pgfeed.rollup_days (
    day date NOT NULL,
    is_stale boolean NOT NULL,
    rolled_up_at timestamp with time zone,
    view_count integer DEFAULT 0 NOT NULL,
    like_count integer DEFAULT 0 NOT NULL,
    new_event_count bigint DEFAULT 0 NOT NULL,
    event_count integer,
    missing_count integer DEFAULT 0 NOT NULL,
    dropped_at timestamp with time zone,
    busy_user_ids bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    is_gone boolean GENERATED ALWAYS AS (((missing_count > 0) AND (missing_count >= event_count))) STORED
);
COMMENT ON TABLE pgfeed.rollup_days IS 'One row per day (UTC) that has events; counts as in post_days';
COMMENT ON COLUMN pgfeed.rollup_days.is_stale IS 'True: roll_up_events() has yet to recompute this day';
COMMENT ON COLUMN pgfeed.rollup_days.new_event_count IS 'Events recorded since the last roll-up of the day, some of them perhaps counted twice: how much there is to read';
COMMENT ON COLUMN pgfeed.rollup_days.event_count IS 'Events that were counted, repetitions too; null: not since v0.1.0, roll_up_events() does it';
COMMENT ON COLUMN pgfeed.rollup_days.missing_count IS 'Of these, as the last roll-ups found: those that are gone. What was counted of them stays';
COMMENT ON COLUMN pgfeed.rollup_days.dropped_at IS 'When drop_events() dropped the events; null: it did not';
COMMENT ON COLUMN pgfeed.rollup_days.busy_user_ids IS 'Users with more than 1,000 events on the day, repetitions too: at most 100, the busiest first';
COMMENT ON COLUMN pgfeed.rollup_days.is_gone IS 'Whether all events of the day are gone: features as of it and the day after cannot be computed any more';
CREATE VIEW pgfeed.data_stages AS ...;
COMMENT ON VIEW pgfeed.data_stages IS 'One row per stage of the data (events as rolled up, features, each active model, recommendations): how fresh it is';
COMMENT ON COLUMN pgfeed.data_stages.stage IS 'events, features, model VARIANT or recommendations';
COMMENT ON COLUMN pgfeed.data_stages.as_of IS 'No later event is in it; of events: the end of the newest day (UTC); of recommendations: of the oldest list. Null: none yet, or unknown of an imported model';
COMMENT ON COLUMN pgfeed.data_stages.updated_at IS 'When it was last made; of a model: activated; of recommendations: when the last batch ended, null: none did';
COMMENT ON COLUMN pgfeed.data_stages.hours_behind IS 'Hours from as_of to the end of the newest day with events';
CREATE VIEW feed_bi.data_stages AS ...;
COMMENT ON VIEW feed_bi.data_stages IS 'One row per stage of the data (events as rolled up, features, each active model, recommendations): how fresh it is';
COMMENT ON COLUMN feed_bi.data_stages.stage IS 'events, features, model VARIANT or recommendations';
COMMENT ON COLUMN feed_bi.data_stages.as_of IS 'No later event is in it; of events: the end of the newest day (UTC); of recommendations: of the oldest list. Null: none yet, or unknown of an imported model';
COMMENT ON COLUMN feed_bi.data_stages.updated_at IS 'When it was last made; of a model: activated; of recommendations: when the last batch ended, null: none did';
COMMENT ON COLUMN feed_bi.data_stages.hours_behind IS 'Hours from as_of to the end of the newest day with events';
CREATE TABLE pgfeed.experiments (
    experiment_id integer NOT NULL,
    name text NOT NULL,
    salt text NOT NULL,
    slot_count integer NOT NULL,
    expected_lift double precision NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL,
    started_at timestamp with time zone,
    stopped_at timestamp with time zone,
    concluded_at timestamp with time zone,
    winner text,
    CONSTRAINT experiments_check CHECK (((stopped_at IS NULL) OR (started_at IS NOT NULL))),
    CONSTRAINT experiments_check1 CHECK (((concluded_at IS NULL) OR (stopped_at IS NOT NULL))),
    CONSTRAINT experiments_expected_lift_check CHECK (((expected_lift > (0)::double precision) AND (expected_lift <= (10)::double precision))),
    CONSTRAINT experiments_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT experiments_slot_count_check CHECK ((slot_count = ANY (ARRAY[100, 10000])))
);
COMMENT ON TABLE pgfeed.experiments IS 'One row per experiment; at most one runs at a time: started_at is not null and stopped_at is null';
COMMENT ON COLUMN pgfeed.experiments.salt IS 'Splits the users: experiments with different salts split them independently';
COMMENT ON COLUMN pgfeed.experiments.slot_count IS '100 if all weights are whole percents, else 10000: what the hash of a user is divided by';
COMMENT ON COLUMN pgfeed.experiments.expected_lift IS 'Relative gain worth finding, 0.05: 5%. The sequential test is most powerful there';
COMMENT ON COLUMN pgfeed.experiments.winner IS 'The arm that conclude_experiment() named; null: none yet';
CREATE VIEW pgfeed.experiment_results AS ...;
COMMENT ON VIEW pgfeed.experiment_results IS 'One row per experiment that was started, metric and arm: experiment_report() as of now, with likes within an hour of their exposure. Computed at each query: name an experiment. Values and lifts are shares (0.05: 5%)';
COMMENT ON COLUMN pgfeed.experiment_results.experiment IS 'Its name';
COMMENT ON COLUMN pgfeed.experiment_results.started_at IS 'From when on it chose variants';
COMMENT ON COLUMN pgfeed.experiment_results.stopped_at IS 'Null: it runs';
COMMENT ON COLUMN pgfeed.experiment_results.winner IS 'Null: not concluded';
COMMENT ON COLUMN pgfeed.experiment_results.metric IS 'hit rate, likes per exposure or users with a hit';
COMMENT ON COLUMN pgfeed.experiment_results.arm IS 'Its name';
COMMENT ON COLUMN pgfeed.experiment_results.variant IS 'What the arm serves';
COMMENT ON COLUMN pgfeed.experiment_results.version IS 'The version that is pinned; null: the one that is active';
COMMENT ON COLUMN pgfeed.experiment_results.user_count IS 'Users with an exposure in this arm alone';
COMMENT ON COLUMN pgfeed.experiment_results.exposure_count IS 'Lists that they were served';
COMMENT ON COLUMN pgfeed.experiment_results.value IS 'Of the metric';
COMMENT ON COLUMN pgfeed.experiment_results.low IS '95% interval of value';
COMMENT ON COLUMN pgfeed.experiment_results.high IS 'See low';
COMMENT ON COLUMN pgfeed.experiment_results.lift IS 'Relative to the first arm; null: it is the first arm';
COMMENT ON COLUMN pgfeed.experiment_results.lift_low IS '95% interval of lift, for a single look';
COMMENT ON COLUMN pgfeed.experiment_results.lift_high IS 'See lift_low';
COMMENT ON COLUMN pgfeed.experiment_results.p_value IS 'For a single look on a day that was chosen beforehand';
COMMENT ON COLUMN pgfeed.experiment_results.sequential_low IS '95% interval of lift, valid whenever one looks';
COMMENT ON COLUMN pgfeed.experiment_results.sequential_high IS 'See sequential_low';
COMMENT ON COLUMN pgfeed.experiment_results.sequential_p_value IS 'Valid whenever one looks';
COMMENT ON COLUMN pgfeed.experiment_results.detectable_lift IS 'The relative gain that a single look finds with 80% power';
COMMENT ON COLUMN pgfeed.experiment_results.days_needed IS 'Further days until a lift as expected would be found';
CREATE VIEW feed_bi.experiment_results AS ...;
COMMENT ON VIEW feed_bi.experiment_results IS 'One row per experiment that was started, metric and arm: experiment_report() as of now, with likes within an hour of their exposure. Computed at each query: name an experiment. Values and lifts are shares (0.05: 5%)';
COMMENT ON COLUMN feed_bi.experiment_results.experiment IS 'Its name';
COMMENT ON COLUMN feed_bi.experiment_results.started_at IS 'From when on it chose variants';
COMMENT ON COLUMN feed_bi.experiment_results.stopped_at IS 'Null: it runs';
COMMENT ON COLUMN feed_bi.experiment_results.winner IS 'Null: not concluded';
COMMENT ON COLUMN feed_bi.experiment_results.metric IS 'hit rate, likes per exposure or users with a hit';
COMMENT ON COLUMN feed_bi.experiment_results.arm IS 'Its name';
COMMENT ON COLUMN feed_bi.experiment_results.variant IS 'What the arm serves';
COMMENT ON COLUMN feed_bi.experiment_results.version IS 'The version that is pinned; null: the one that is active';
COMMENT ON COLUMN feed_bi.experiment_results.user_count IS 'Users with an exposure in this arm alone';
COMMENT ON COLUMN feed_bi.experiment_results.exposure_count IS 'Lists that they were served';
COMMENT ON COLUMN feed_bi.experiment_results.value IS 'Of the metric';
COMMENT ON COLUMN feed_bi.experiment_results.low IS '95% interval of value';
COMMENT ON COLUMN feed_bi.experiment_results.high IS 'See low';
COMMENT ON COLUMN feed_bi.experiment_results.lift IS 'Relative to the first arm; null: it is the first arm';
COMMENT ON COLUMN feed_bi.experiment_results.lift_low IS '95% interval of lift, for a single look';
COMMENT ON COLUMN feed_bi.experiment_results.lift_high IS 'See lift_low';
COMMENT ON COLUMN feed_bi.experiment_results.p_value IS 'For a single look on a day that was chosen beforehand';
COMMENT ON COLUMN feed_bi.experiment_results.sequential_low IS '95% interval of lift, valid whenever one looks';
COMMENT ON COLUMN feed_bi.experiment_results.sequential_high IS 'See sequential_low';
COMMENT ON COLUMN feed_bi.experiment_results.sequential_p_value IS 'Valid whenever one looks';
COMMENT ON COLUMN feed_bi.experiment_results.detectable_lift IS 'The relative gain that a single look finds with 80% power';
COMMENT ON COLUMN feed_bi.experiment_results.days_needed IS 'Further days until a lift as expected would be found';
CREATE VIEW pgfeed.feed_days AS ...;
COMMENT ON VIEW pgfeed.feed_days IS 'One row per day (UTC) with events, as of its last roll-up: the like rate by day';
COMMENT ON COLUMN pgfeed.feed_days.day IS 'UTC';
COMMENT ON COLUMN pgfeed.feed_days.view_count IS 'Views that count, see impressions';
COMMENT ON COLUMN pgfeed.feed_days.like_count IS 'First likes';
COMMENT ON COLUMN pgfeed.feed_days.like_rate IS 'Likes of that day per view of that day; null: no views';
COMMENT ON COLUMN pgfeed.feed_days.is_stale IS 'True: events came since, and roll_up_events() has yet to count them';
COMMENT ON COLUMN pgfeed.feed_days.rolled_up_at IS 'When it was counted last';
CREATE VIEW feed_bi.feed_days AS ...;
COMMENT ON VIEW feed_bi.feed_days IS 'One row per day (UTC) with events, as of its last roll-up: the like rate by day';
COMMENT ON COLUMN feed_bi.feed_days.day IS 'UTC';
COMMENT ON COLUMN feed_bi.feed_days.view_count IS 'Views that count, see impressions';
COMMENT ON COLUMN feed_bi.feed_days.like_count IS 'First likes';
COMMENT ON COLUMN feed_bi.feed_days.like_rate IS 'Likes of that day per view of that day; null: no views';
COMMENT ON COLUMN feed_bi.feed_days.is_stale IS 'True: events came since, and roll_up_events() has yet to count them';
COMMENT ON COLUMN feed_bi.feed_days.rolled_up_at IS 'When it was counted last';
CREATE TABLE pgfeed.feature_packs (
    pack_id bigint NOT NULL,
    as_of timestamp with time zone NOT NULL,
    packed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    post_count integer NOT NULL,
    feature_names text[] NOT NULL,
    topics text[] NOT NULL,
    post_ids bytea NOT NULL,
    topic_codes bytea NOT NULL,
    matrix bytea NOT NULL,
    neighbours bytea,
    factors bytea,
    is_shortlist boolean DEFAULT false NOT NULL,
    relative bytea,
    attributes jsonb,
    catalogue_count integer,
    preferences bytea
);
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN post_ids SET STORAGE EXTERNAL;
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN topic_codes SET STORAGE EXTERNAL;
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN matrix SET STORAGE EXTERNAL;
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN neighbours SET STORAGE EXTERNAL;
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN factors SET STORAGE EXTERNAL;
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN relative SET STORAGE EXTERNAL;
ALTER TABLE ONLY pgfeed.feature_packs ALTER COLUMN preferences SET STORAGE EXTERNAL;
COMMENT ON TABLE pgfeed.feature_packs IS 'One row per cut-off: the features of all posts as recommend_posts reads them, see _post_pack()';
COMMENT ON COLUMN pgfeed.feature_packs.neighbours IS 'See _post_neighbours(); null: not made, as no model needed it';
COMMENT ON COLUMN pgfeed.feature_packs.factors IS 'The posts'' vectors, see _post_factors(); null: not made yet';
COMMENT ON COLUMN pgfeed.feature_packs.is_shortlist IS 'Whether the catalogue was too large: then these are its best posts by _shortlist()';
COMMENT ON COLUMN pgfeed.feature_packs.relative IS 'See _relative_columns(); null: packed before there was this column, sessions compute it';
COMMENT ON COLUMN pgfeed.feature_packs.attributes IS 'Type and, of categories and tags of posts, values of the own features by name: see _post_pack()';
COMMENT ON COLUMN pgfeed.feature_packs.catalogue_count IS 'Of all posts at the moment, of which a shortlist has some; null: packed before there was this column';
COMMENT ON COLUMN pgfeed.feature_packs.preferences IS 'Who likes what, see _preferences(); null: not made, as no model needed it; empty: too little to learn from';
CREATE TABLE pgfeed.feed_posts (
    pack_id bigint NOT NULL,
    feed_id integer NOT NULL,
    post_ids bytea NOT NULL,
    moments bytea NOT NULL,
    problem text
);
COMMENT ON TABLE pgfeed.feed_posts IS 'One row per feature pack and feed with a filter: which posts pass what of it does not depend on ts';
COMMENT ON COLUMN pgfeed.feed_posts.problem IS 'Why the filter could not be evaluated: the posts are those of the pack before; null: it could';
CREATE TABLE pgfeed.named_feeds (
    feed_id integer NOT NULL,
    name text NOT NULL,
    settings jsonb NOT NULL,
    filter jsonb,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    created_by text DEFAULT SESSION_USER NOT NULL
);
COMMENT ON TABLE pgfeed.named_feeds IS 'One row per feed: see create_feed()';
COMMENT ON COLUMN pgfeed.named_feeds.settings IS 'The arguments of create_feed() by name';
COMMENT ON COLUMN pgfeed.named_feeds.filter IS 'What _compiled_filter() made of the filter; null: there is none';
CREATE VIEW pgfeed.feeds AS ...;
COMMENT ON VIEW pgfeed.feeds IS 'One row per feed: what create_feed() was told, and what the last refresh found';
COMMENT ON COLUMN pgfeed.feeds.name IS 'As recommend_posts() takes it';
COMMENT ON COLUMN pgfeed.feeds.filter IS 'Which posts it may show; null: all';
COMMENT ON COLUMN pgfeed.feeds.max_per IS 'At most so many of a value, by column; null: no cap';
COMMENT ON COLUMN pgfeed.feeds.diversity IS '0 to 1; null: none';
COMMENT ON COLUMN pgfeed.feeds.boosts IS 'Weights by column; null: none';
COMMENT ON COLUMN pgfeed.feeds.hide_viewed IS 'How long a viewed post stays out; null: it does not';
COMMENT ON COLUMN pgfeed.feeds.fallbacks IS 'What fills a list that would be short; null: as by default';
COMMENT ON COLUMN pgfeed.feeds.post_count IS 'Posts that pass what of the filter does not depend on ts; null: there is no filter, or no refresh yet';
COMMENT ON COLUMN pgfeed.feeds.problem IS 'Why the last refresh could not evaluate the filter: the posts that passed before go on; null: it could';
COMMENT ON COLUMN pgfeed.feeds.created_at IS 'When it was made';
COMMENT ON COLUMN pgfeed.feeds.created_by IS 'By whom';
COMMENT ON COLUMN pgfeed.feeds.explore IS 'off, careful or normal';
COMMENT ON COLUMN pgfeed.feeds.explore_baseline IS 'Whether users of an experiment''s pinned baseline explore, too';
CREATE VIEW feed_bi.feeds AS ...;
COMMENT ON VIEW feed_bi.feeds IS 'One row per feed: what create_feed() was told, and what the last refresh found';
COMMENT ON COLUMN feed_bi.feeds.name IS 'As recommend_posts() takes it';
COMMENT ON COLUMN feed_bi.feeds.filter IS 'Which posts it may show; null: all';
COMMENT ON COLUMN feed_bi.feeds.max_per IS 'At most so many of a value, by column; null: no cap';
COMMENT ON COLUMN feed_bi.feeds.diversity IS '0 to 1; null: none';
COMMENT ON COLUMN feed_bi.feeds.boosts IS 'Weights by column; null: none';
COMMENT ON COLUMN feed_bi.feeds.hide_viewed IS 'How long a viewed post stays out; null: it does not';
COMMENT ON COLUMN feed_bi.feeds.fallbacks IS 'What fills a list that would be short; null: as by default';
COMMENT ON COLUMN feed_bi.feeds.post_count IS 'Posts that pass what of the filter does not depend on ts; null: there is no filter, or no refresh yet';
COMMENT ON COLUMN feed_bi.feeds.problem IS 'Why the last refresh could not evaluate the filter: the posts that passed before go on; null: it could';
COMMENT ON COLUMN feed_bi.feeds.created_at IS 'When it was made';
COMMENT ON COLUMN feed_bi.feeds.created_by IS 'By whom';
COMMENT ON COLUMN feed_bi.feeds.explore IS 'off, careful or normal';
COMMENT ON COLUMN feed_bi.feeds.explore_baseline IS 'Whether users of an experiment''s pinned baseline explore, too';
CREATE VIEW pgfeed.finished_batches AS ...;
COMMENT ON VIEW pgfeed.finished_batches IS 'One row per finished batch of recommendations: how much of the catalogue it recommended, and how diverse its lists were. A batch before this was counted has null there';
COMMENT ON COLUMN pgfeed.finished_batches.batch_id IS 'As in recommendation_batches';
COMMENT ON COLUMN pgfeed.finished_batches.day IS 'UTC, of recommended_at';
COMMENT ON COLUMN pgfeed.finished_batches.recommended_at IS 'The moment (ts) that the lists are for';
COMMENT ON COLUMN pgfeed.finished_batches.features_as_of IS 'The cut-off of the features at the start';
COMMENT ON COLUMN pgfeed.finished_batches.variant IS 'As asked for; null: as recommend_posts chooses';
COMMENT ON COLUMN pgfeed.finished_batches.k IS 'Posts in a list, at most';
COMMENT ON COLUMN pgfeed.finished_batches.user_count IS 'Users whom it was for';
COMMENT ON COLUMN pgfeed.finished_batches.post_count IS 'Different posts in its lists';
COMMENT ON COLUMN pgfeed.finished_batches.catalogue_count IS 'Posts that were not hidden when it was finished';
COMMENT ON COLUMN pgfeed.finished_batches.coverage_rate IS 'post_count per catalogue_count, a share';
COMMENT ON COLUMN pgfeed.finished_batches.topic_diversity IS 'Mean over its lists: the chance that two posts drawn from a list, with replacement, have different topics';
COMMENT ON COLUMN pgfeed.finished_batches.duration_seconds IS 'From its start to its end, interruptions too';
CREATE VIEW feed_bi.finished_batches AS ...;
COMMENT ON VIEW feed_bi.finished_batches IS 'One row per finished batch of recommendations: how much of the catalogue it recommended, and how diverse its lists were. A batch before this was counted has null there';
COMMENT ON COLUMN feed_bi.finished_batches.batch_id IS 'As in recommendation_batches';
COMMENT ON COLUMN feed_bi.finished_batches.day IS 'UTC, of recommended_at';
COMMENT ON COLUMN feed_bi.finished_batches.recommended_at IS 'The moment (ts) that the lists are for';
COMMENT ON COLUMN feed_bi.finished_batches.features_as_of IS 'The cut-off of the features at the start';
COMMENT ON COLUMN feed_bi.finished_batches.variant IS 'As asked for; null: as recommend_posts chooses';
COMMENT ON COLUMN feed_bi.finished_batches.k IS 'Posts in a list, at most';
COMMENT ON COLUMN feed_bi.finished_batches.user_count IS 'Users whom it was for';
COMMENT ON COLUMN feed_bi.finished_batches.post_count IS 'Different posts in its lists';
COMMENT ON COLUMN feed_bi.finished_batches.catalogue_count IS 'Posts that were not hidden when it was finished';
COMMENT ON COLUMN feed_bi.finished_batches.coverage_rate IS 'post_count per catalogue_count, a share';
COMMENT ON COLUMN feed_bi.finished_batches.topic_diversity IS 'Mean over its lists: the chance that two posts drawn from a list, with replacement, have different topics';
COMMENT ON COLUMN feed_bi.finished_batches.duration_seconds IS 'From its start to its end, interruptions too';
CREATE MATERIALIZED VIEW pgfeed.post_features AS ...
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW pgfeed.post_features IS 'One row per post: post_features_as_of() at the cut-off of the last refresh';
CREATE VIEW pgfeed.popularity_deciles AS ...;
COMMENT ON VIEW pgfeed.popularity_deciles IS 'One row per tenth of the posts by views before the last refresh, 1 the most viewed: popularity bias is a share of the recommendations above the share of the views. Fails before the first refresh';
COMMENT ON COLUMN pgfeed.popularity_deciles.decile IS '1: the tenth with most views';
COMMENT ON COLUMN pgfeed.popularity_deciles.post_count IS 'Posts in it';
COMMENT ON COLUMN pgfeed.popularity_deciles.view_count IS 'Views of these posts';
COMMENT ON COLUMN pgfeed.popularity_deciles.like_count IS 'Likes of these posts';
COMMENT ON COLUMN pgfeed.popularity_deciles.recommendation_count IS 'How often these posts are recommended';
COMMENT ON COLUMN pgfeed.popularity_deciles.view_share IS 'Its share of all views; null: there are none';
COMMENT ON COLUMN pgfeed.popularity_deciles.like_share IS 'Its share of all likes; null: there are none';
COMMENT ON COLUMN pgfeed.popularity_deciles.recommendation_share IS 'Its share of all recommendations; null: there are none';
CREATE VIEW feed_bi.popularity_deciles AS ...;
COMMENT ON VIEW feed_bi.popularity_deciles IS 'One row per tenth of the posts by views before the last refresh, 1 the most viewed: popularity bias is a share of the recommendations above the share of the views. Fails before the first refresh';
COMMENT ON COLUMN feed_bi.popularity_deciles.decile IS '1: the tenth with most views';
COMMENT ON COLUMN feed_bi.popularity_deciles.post_count IS 'Posts in it';
COMMENT ON COLUMN feed_bi.popularity_deciles.view_count IS 'Views of these posts';
COMMENT ON COLUMN feed_bi.popularity_deciles.like_count IS 'Likes of these posts';
COMMENT ON COLUMN feed_bi.popularity_deciles.recommendation_count IS 'How often these posts are recommended';
COMMENT ON COLUMN feed_bi.popularity_deciles.view_share IS 'Its share of all views; null: there are none';
COMMENT ON COLUMN feed_bi.popularity_deciles.like_share IS 'Its share of all likes; null: there are none';
COMMENT ON COLUMN feed_bi.popularity_deciles.recommendation_share IS 'Its share of all recommendations; null: there are none';
CREATE VIEW feed_bi.recommendation_batches AS ...;
COMMENT ON VIEW feed_bi.recommendation_batches IS 'One row per refresh_recommendations() that was finished or can go on; at most one can go on';
COMMENT ON COLUMN feed_bi.recommendation_batches.batch_id IS 'Counts up';
COMMENT ON COLUMN feed_bi.recommendation_batches.recommended_at IS 'The moment (ts) that the lists are for';
COMMENT ON COLUMN feed_bi.recommendation_batches.is_now IS 'Whether no moment was asked for: then lists after a refresh in the middle are for the moment of that refresh';
COMMENT ON COLUMN feed_bi.recommendation_batches.k IS 'Posts in a list, at most';
COMMENT ON COLUMN feed_bi.recommendation_batches.variant IS 'As asked for; null: as recommend_posts chooses';
COMMENT ON COLUMN feed_bi.recommendation_batches.active_days IS 'Only users with an event in so many days before the features'' cut-off; null: all users';
COMMENT ON COLUMN feed_bi.recommendation_batches.features_as_of IS 'The cut-off of the features at the start';
COMMENT ON COLUMN feed_bi.recommendation_batches.user_count IS 'Users whom it is for';
COMMENT ON COLUMN feed_bi.recommendation_batches.started_at IS 'Of its first call';
COMMENT ON COLUMN feed_bi.recommendation_batches.finished_at IS 'Null: at work or interrupted';
COMMENT ON COLUMN feed_bi.recommendation_batches.post_count IS 'Different posts in its lists; null: not finished, or from before there was this column';
COMMENT ON COLUMN feed_bi.recommendation_batches.catalogue_count IS 'Posts not hidden when it was finished';
COMMENT ON COLUMN feed_bi.recommendation_batches.topic_diversity IS 'Mean of its lists'' topic_diversity, see recommendation_lists';
CREATE VIEW pgfeed.recommendation_lists AS ...;
COMMENT ON VIEW pgfeed.recommendation_lists IS 'One row per user with recommendations: how diverse the list is';
COMMENT ON COLUMN pgfeed.recommendation_lists.user_id IS 'See users';
COMMENT ON COLUMN pgfeed.recommendation_lists.variant IS 'Of the model, or what ranked without one';
COMMENT ON COLUMN pgfeed.recommendation_lists.source IS 'model, cold_start or what ranked without a model';
COMMENT ON COLUMN pgfeed.recommendation_lists.recommended_at IS 'The moment (ts) that the list is for';
COMMENT ON COLUMN pgfeed.recommendation_lists.post_count IS 'Posts in the list';
COMMENT ON COLUMN pgfeed.recommendation_lists.topic_count IS 'Different topics in it';
COMMENT ON COLUMN pgfeed.recommendation_lists.topic_diversity IS 'Chance that two posts drawn from the list, with replacement, have different topics: 0 if all have the same (Simpson)';
CREATE VIEW feed_bi.recommendation_lists AS ...;
COMMENT ON VIEW feed_bi.recommendation_lists IS 'One row per user with recommendations: how diverse the list is';
COMMENT ON COLUMN feed_bi.recommendation_lists.user_id IS 'See users';
COMMENT ON COLUMN feed_bi.recommendation_lists.variant IS 'Of the model, or what ranked without one';
COMMENT ON COLUMN feed_bi.recommendation_lists.source IS 'model, cold_start or what ranked without a model';
COMMENT ON COLUMN feed_bi.recommendation_lists.recommended_at IS 'The moment (ts) that the list is for';
COMMENT ON COLUMN feed_bi.recommendation_lists.post_count IS 'Posts in the list';
COMMENT ON COLUMN feed_bi.recommendation_lists.topic_count IS 'Different topics in it';
COMMENT ON COLUMN feed_bi.recommendation_lists.topic_diversity IS 'Chance that two posts drawn from the list, with replacement, have different topics: 0 if all have the same (Simpson)';
CREATE VIEW feed_bi.recommendations AS ...;
COMMENT ON VIEW feed_bi.recommendations IS 'One row per user and rank: what recommend_posts gave at recommended_at, by the newest batch that reached the user. A user''s rows are replaced together; while a batch runs, users have lists of either batch, see batch_id. A batch of all users drops the users that it did not reach';
COMMENT ON COLUMN feed_bi.recommendations.user_id IS 'See users';
COMMENT ON COLUMN feed_bi.recommendations.rank IS 'From 1 on, best first';
COMMENT ON COLUMN feed_bi.recommendations.post_id IS 'See posts';
COMMENT ON COLUMN feed_bi.recommendations.score IS 'As recommend_posts gives it: compare within a list only';
COMMENT ON COLUMN feed_bi.recommendations.variant IS 'Of the model, or what ranked without one';
COMMENT ON COLUMN feed_bi.recommendations.source IS 'model, cold_start, popular or random, as recommend_posts gives it';
COMMENT ON COLUMN feed_bi.recommendations.model_version IS 'Null: no model served';
COMMENT ON COLUMN feed_bi.recommendations.features_as_of IS 'The cut-off of the features';
COMMENT ON COLUMN feed_bi.recommendations.recommended_at IS 'The moment (ts) that the list is for';
COMMENT ON COLUMN feed_bi.recommendations.batch_id IS 'See recommendation_batches';
CREATE VIEW pgfeed.recommended_topics AS ...;
COMMENT ON VIEW pgfeed.recommended_topics IS 'One row per topic of the catalogue: coverage of its posts by recommendations, and its share of them';
COMMENT ON COLUMN pgfeed.recommended_topics.topic IS 'Null: posts without a topic';
COMMENT ON COLUMN pgfeed.recommended_topics.post_count IS 'Posts of the topic in the catalogue';
COMMENT ON COLUMN pgfeed.recommended_topics.recommended_post_count IS 'Of these, posts that some user is recommended';
COMMENT ON COLUMN pgfeed.recommended_topics.coverage_rate IS 'Share of its posts that some user is recommended';
COMMENT ON COLUMN pgfeed.recommended_topics.recommendation_count IS 'How often these are recommended';
COMMENT ON COLUMN pgfeed.recommended_topics.post_share IS 'Its share of the catalogue''s posts';
COMMENT ON COLUMN pgfeed.recommended_topics.recommendation_share IS 'Its share of all recommendations; null: there are none';
CREATE VIEW feed_bi.recommended_topics AS ...;
COMMENT ON VIEW feed_bi.recommended_topics IS 'One row per topic of the catalogue: coverage of its posts by recommendations, and its share of them';
COMMENT ON COLUMN feed_bi.recommended_topics.topic IS 'Null: posts without a topic';
COMMENT ON COLUMN feed_bi.recommended_topics.post_count IS 'Posts of the topic in the catalogue';
COMMENT ON COLUMN feed_bi.recommended_topics.recommended_post_count IS 'Of these, posts that some user is recommended';
COMMENT ON COLUMN feed_bi.recommended_topics.coverage_rate IS 'Share of its posts that some user is recommended';
COMMENT ON COLUMN feed_bi.recommended_topics.recommendation_count IS 'How often these are recommended';
COMMENT ON COLUMN feed_bi.recommended_topics.post_share IS 'Its share of the catalogue''s posts';
COMMENT ON COLUMN feed_bi.recommended_topics.recommendation_share IS 'Its share of all recommendations; null: there are none';
CREATE TABLE pgfeed.served_counts (
    day date NOT NULL,
    feed text,
    variant text NOT NULL,
    rank smallint NOT NULL,
    topic text,
    served_count integer NOT NULL,
    viewed_count integer NOT NULL,
    liked_count integer NOT NULL,
    hit_count integer NOT NULL
);
COMMENT ON TABLE pgfeed.served_counts IS 'One row per day (UTC), feed, variant, rank and topic: what became of the posts that were served there, as of the last roll-up. It stays when exposures or events are dropped, or a user is erased: it tells of nobody';
COMMENT ON COLUMN pgfeed.served_counts.rank IS 'Place in the list, from 1 on; 21: the 21st and all after it';
COMMENT ON COLUMN pgfeed.served_counts.hit_count IS 'Posts that are the first of their list that was liked: their sum is the number of lists with a like';
CREATE VIEW pgfeed.served_days AS ...;
COMMENT ON VIEW pgfeed.served_days IS 'One row per day (UTC), feed and variant: what became of the lists that serve_posts() gave, as of the last roll-up. A view or like counts within an hour of the list, as in experiment_report(); lists of the last hour may still get some';
COMMENT ON COLUMN pgfeed.served_days.day IS 'UTC, of the moment that the list was asked for';
COMMENT ON COLUMN pgfeed.served_days.feed IS 'The named feed, see feeds; null: none was asked for';
COMMENT ON COLUMN pgfeed.served_days.variant IS 'Of the model, or what ranked without one, such as popular';
COMMENT ON COLUMN pgfeed.served_days.list_count IS 'Lists that were served';
COMMENT ON COLUMN pgfeed.served_days.hit_count IS 'Of these, lists of which the user liked a post';
COMMENT ON COLUMN pgfeed.served_days.served_count IS 'Posts in these lists, each as often as it is in one';
COMMENT ON COLUMN pgfeed.served_days.viewed_count IS 'Of these, posts that the user viewed or liked';
COMMENT ON COLUMN pgfeed.served_days.liked_count IS 'Of these, posts that the user liked';
COMMENT ON COLUMN pgfeed.served_days.hit_rate IS 'Hits per list, a share. Of several rows: sum(hit_count) / sum(list_count)';
COMMENT ON COLUMN pgfeed.served_days.hit_rate_low IS 'From here to hit_rate_high: its 95% interval (Wilson), as if no two lists were of one user; where users get many lists it is wider in truth: experiment_report() counts by users. Of several rows: wilson_low(sum(hit_count), sum(list_count))';
COMMENT ON COLUMN pgfeed.served_days.hit_rate_high IS 'See hit_rate_low';
COMMENT ON COLUMN pgfeed.served_days.view_rate IS 'viewed_count per served_count, a share';
COMMENT ON COLUMN pgfeed.served_days.like_rate IS 'liked_count per served_count, a share';
CREATE VIEW feed_bi.served_days AS ...;
COMMENT ON VIEW feed_bi.served_days IS 'One row per day (UTC), feed and variant: what became of the lists that serve_posts() gave, as of the last roll-up. A view or like counts within an hour of the list, as in experiment_report(); lists of the last hour may still get some';
COMMENT ON COLUMN feed_bi.served_days.day IS 'UTC, of the moment that the list was asked for';
COMMENT ON COLUMN feed_bi.served_days.feed IS 'The named feed, see feeds; null: none was asked for';
COMMENT ON COLUMN feed_bi.served_days.variant IS 'Of the model, or what ranked without one, such as popular';
COMMENT ON COLUMN feed_bi.served_days.list_count IS 'Lists that were served';
COMMENT ON COLUMN feed_bi.served_days.hit_count IS 'Of these, lists of which the user liked a post';
COMMENT ON COLUMN feed_bi.served_days.served_count IS 'Posts in these lists, each as often as it is in one';
COMMENT ON COLUMN feed_bi.served_days.viewed_count IS 'Of these, posts that the user viewed or liked';
COMMENT ON COLUMN feed_bi.served_days.liked_count IS 'Of these, posts that the user liked';
COMMENT ON COLUMN feed_bi.served_days.hit_rate IS 'Hits per list, a share. Of several rows: sum(hit_count) / sum(list_count)';
COMMENT ON COLUMN feed_bi.served_days.hit_rate_low IS 'From here to hit_rate_high: its 95% interval (Wilson), as if no two lists were of one user; where users get many lists it is wider in truth: experiment_report() counts by users. Of several rows: wilson_low(sum(hit_count), sum(list_count))';
COMMENT ON COLUMN feed_bi.served_days.hit_rate_high IS 'See hit_rate_low';
COMMENT ON COLUMN feed_bi.served_days.view_rate IS 'viewed_count per served_count, a share';
COMMENT ON COLUMN feed_bi.served_days.like_rate IS 'liked_count per served_count, a share';
CREATE VIEW pgfeed.served_ranks AS ...;
COMMENT ON VIEW pgfeed.served_ranks IS 'One row per day (UTC), feed, variant and rank: what became of the posts that were served there, as in served_days';
COMMENT ON COLUMN pgfeed.served_ranks.day IS 'UTC, of the moment that the list was asked for';
COMMENT ON COLUMN pgfeed.served_ranks.feed IS 'The named feed, see feeds; null: none was asked for';
COMMENT ON COLUMN pgfeed.served_ranks.variant IS 'Of the model, or what ranked without one, such as popular';
COMMENT ON COLUMN pgfeed.served_ranks.rank IS 'Place in the list, from 1 on, of a page in the page; 21: the 21st place and all after it';
COMMENT ON COLUMN pgfeed.served_ranks.served_count IS 'Posts in lists, each as often as it is in one';
COMMENT ON COLUMN pgfeed.served_ranks.viewed_count IS 'Of these, posts that the user viewed or liked within an hour';
COMMENT ON COLUMN pgfeed.served_ranks.liked_count IS 'Of these, posts that the user liked within an hour';
COMMENT ON COLUMN pgfeed.served_ranks.view_rate IS 'viewed_count per served_count, a share';
COMMENT ON COLUMN pgfeed.served_ranks.like_rate IS 'liked_count per served_count, a share. Of several rows: sum(liked_count) / sum(served_count)';
COMMENT ON COLUMN pgfeed.served_ranks.like_rate_low IS 'From here to like_rate_high: its 95% interval (Wilson), as if no two lists were of one user';
COMMENT ON COLUMN pgfeed.served_ranks.like_rate_high IS 'See like_rate_low';
CREATE VIEW feed_bi.served_ranks AS ...;
COMMENT ON VIEW feed_bi.served_ranks IS 'One row per day (UTC), feed, variant and rank: what became of the posts that were served there, as in served_days';
COMMENT ON COLUMN feed_bi.served_ranks.day IS 'UTC, of the moment that the list was asked for';
COMMENT ON COLUMN feed_bi.served_ranks.feed IS 'The named feed, see feeds; null: none was asked for';
COMMENT ON COLUMN feed_bi.served_ranks.variant IS 'Of the model, or what ranked without one, such as popular';
COMMENT ON COLUMN feed_bi.served_ranks.rank IS 'Place in the list, from 1 on, of a page in the page; 21: the 21st place and all after it';
COMMENT ON COLUMN feed_bi.served_ranks.served_count IS 'Posts in lists, each as often as it is in one';
COMMENT ON COLUMN feed_bi.served_ranks.viewed_count IS 'Of these, posts that the user viewed or liked within an hour';
COMMENT ON COLUMN feed_bi.served_ranks.liked_count IS 'Of these, posts that the user liked within an hour';
COMMENT ON COLUMN feed_bi.served_ranks.view_rate IS 'viewed_count per served_count, a share';
COMMENT ON COLUMN feed_bi.served_ranks.like_rate IS 'liked_count per served_count, a share. Of several rows: sum(liked_count) / sum(served_count)';
COMMENT ON COLUMN feed_bi.served_ranks.like_rate_low IS 'From here to like_rate_high: its 95% interval (Wilson), as if no two lists were of one user';
COMMENT ON COLUMN feed_bi.served_ranks.like_rate_high IS 'See like_rate_low';
CREATE VIEW pgfeed.served_topics AS ...;
COMMENT ON VIEW pgfeed.served_topics IS 'One row per day (UTC), feed, variant and topic: what became of the posts that were served there, as in served_days';
COMMENT ON COLUMN pgfeed.served_topics.day IS 'UTC, of the moment that the list was asked for';
COMMENT ON COLUMN pgfeed.served_topics.feed IS 'The named feed, see feeds; null: none was asked for';
COMMENT ON COLUMN pgfeed.served_topics.variant IS 'Of the model, or what ranked without one, such as popular';
COMMENT ON COLUMN pgfeed.served_topics.topic IS 'Of the post, as of the roll-up; null: it has none, or was deleted';
COMMENT ON COLUMN pgfeed.served_topics.served_count IS 'Posts in lists, each as often as it is in one';
COMMENT ON COLUMN pgfeed.served_topics.viewed_count IS 'Of these, posts that the user viewed or liked within an hour';
COMMENT ON COLUMN pgfeed.served_topics.liked_count IS 'Of these, posts that the user liked within an hour';
COMMENT ON COLUMN pgfeed.served_topics.view_rate IS 'viewed_count per served_count, a share';
COMMENT ON COLUMN pgfeed.served_topics.like_rate IS 'liked_count per served_count, a share. Of several rows: sum(liked_count) / sum(served_count)';
COMMENT ON COLUMN pgfeed.served_topics.like_rate_low IS 'From here to like_rate_high: its 95% interval (Wilson), as if no two lists were of one user';
COMMENT ON COLUMN pgfeed.served_topics.like_rate_high IS 'See like_rate_low';
CREATE VIEW feed_bi.served_topics AS ...;
COMMENT ON VIEW feed_bi.served_topics IS 'One row per day (UTC), feed, variant and topic: what became of the posts that were served there, as in served_days';
COMMENT ON COLUMN feed_bi.served_topics.day IS 'UTC, of the moment that the list was asked for';
COMMENT ON COLUMN feed_bi.served_topics.feed IS 'The named feed, see feeds; null: none was asked for';
COMMENT ON COLUMN feed_bi.served_topics.variant IS 'Of the model, or what ranked without one, such as popular';
COMMENT ON COLUMN feed_bi.served_topics.topic IS 'Of the post, as of the roll-up; null: it has none, or was deleted';
COMMENT ON COLUMN feed_bi.served_topics.served_count IS 'Posts in lists, each as often as it is in one';
COMMENT ON COLUMN feed_bi.served_topics.viewed_count IS 'Of these, posts that the user viewed or liked within an hour';
COMMENT ON COLUMN feed_bi.served_topics.liked_count IS 'Of these, posts that the user liked within an hour';
COMMENT ON COLUMN feed_bi.served_topics.view_rate IS 'viewed_count per served_count, a share';
COMMENT ON COLUMN feed_bi.served_topics.like_rate IS 'liked_count per served_count, a share. Of several rows: sum(liked_count) / sum(served_count)';
COMMENT ON COLUMN feed_bi.served_topics.like_rate_low IS 'From here to like_rate_high: its 95% interval (Wilson), as if no two lists were of one user';
COMMENT ON COLUMN feed_bi.served_topics.like_rate_high IS 'See like_rate_low';
CREATE MATERIALIZED VIEW pgfeed._text_statistics AS ...
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW pgfeed._text_statistics IS 'As of the last refresh, two kinds of rows from one reading of the texts: one per post with a text, lexeme empty, for post_text_features; and one per lexeme, in how many texts it is and how many texts there are, for posts that come later';
CREATE TABLE pgfeed.alembic_version (
    version_num character varying(32) NOT NULL
);
ALTER TABLE pgfeed.attached_tables ALTER COLUMN attachment_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.attached_tables_attachment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.attachment_errors (
    attachment_id smallint NOT NULL,
    happened_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    operation text NOT NULL,
    sqlstate text NOT NULL,
    message text NOT NULL
);
COMMENT ON TABLE pgfeed.attachment_errors IS 'One row per write of the application that its trigger could not follow: the next refresh mends it and deletes the row. sqlstate 00000: no error, too much for a trigger';
CREATE VIEW pgfeed.attachments AS ...;
COMMENT ON VIEW pgfeed.attachments IS 'One row per table of the application that pgfeed follows, and event action: see attach_users()';
COMMENT ON COLUMN pgfeed.attachments.row_count IS 'Rows that are here, as of synced_at';
COMMENT ON COLUMN pgfeed.attachments.rejected_count IS 'Rows of the relation that cannot be taken: without a key or a time, a key that another row has. As of compared_at, of events so once a week, or after sync_attachments(complete => true)';
COMMENT ON COLUMN pgfeed.attachments.lag IS 'How long a committed write may be missing here, of mixed a new row; of triggers: since the first error';
COMMENT ON COLUMN pgfeed.attachments.error_count IS 'Writes that the trigger could not follow since the last refresh, which mends them';
COMMENT ON COLUMN pgfeed.attachments.columns IS 'Columns of the relation that are read';
COMMENT ON COLUMN pgfeed.attachments.helpful_index IS 'The statement for an index that the relation should have; null: none';
COMMENT ON COLUMN pgfeed.attachments.write_cost_ms IS 'Milliseconds that the trigger adds to a statement of the application, on average: those that insert cost nothing with sync => ''mixed'', where an index begins with user and time; null: not known, for the setting track_functions is none';
COMMENT ON COLUMN pgfeed.attachments.compared_at IS 'When the rows of all days, not only of the newest, were compared last';
CREATE TABLE pgfeed.attributes (
    kind text NOT NULL,
    name text NOT NULL,
    type text NOT NULL,
    inferred_from jsonb,
    CONSTRAINT attributes_kind_check CHECK ((kind = ANY (ARRAY['user'::text, 'post'::text]))),
    CONSTRAINT attributes_type_check CHECK ((type = ANY (ARRAY['number'::text, 'boolean'::text, 'category'::text, 'tags'::text, 'date'::text])))
);
COMMENT ON TABLE pgfeed.attributes IS 'One row per feature that users.attributes or posts.attributes hold: user.NAME or post.NAME of the models';
COMMENT ON COLUMN pgfeed.attributes.type IS 'As the attached table has it; where none is attached, as the last refresh found the values';
COMMENT ON COLUMN pgfeed.attributes.inferred_from IS 'What the values were known by that the type was found from, the same for all of a kind: see _infer_attributes(); null: the attached table says the type';
CREATE TABLE pgfeed.cursor_keys (
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    key bytea DEFAULT (uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())) NOT NULL,
    CONSTRAINT cursor_keys_key_check CHECK (((length(key) >= 16) AND (length(key) <= 32)))
);
COMMENT ON TABLE pgfeed.cursor_keys IS 'One row per key that signs the cursors of pages; the newest one does';
CREATE TABLE pgfeed.deleted_posts (
    post_id bigint NOT NULL,
    deleted_at timestamp with time zone NOT NULL
);
COMMENT ON TABLE pgfeed.deleted_posts IS 'One row per post that was deleted: events that name it do not bring it back, inserting it does';
CREATE TABLE pgfeed.embedders (
    embedder_id integer NOT NULL,
    name text NOT NULL,
    checkpoint text NOT NULL,
    dimensions smallint NOT NULL,
    is_active boolean DEFAULT false NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    fitted_at timestamp with time zone,
    fitted_post_count integer,
    component_basis bytea,
    explained_variance double precision,
    CONSTRAINT embedders_dimensions_check CHECK (((dimensions >= 2) AND (dimensions <= 4000)))
);
COMMENT ON TABLE pgfeed.embedders IS 'One row per model that turned post texts into vectors: the active one, and one being built beside it';
COMMENT ON COLUMN pgfeed.embedders.checkpoint IS 'Which weights: a package''s version or a digest';
COMMENT ON COLUMN pgfeed.embedders.finished_at IS 'When pgfeed embed ended; null: it is at work or was interrupted';
COMMENT ON COLUMN pgfeed.embedders.fitted_at IS 'When the principal axes were fitted: from then on a component has the same meaning';
COMMENT ON COLUMN pgfeed.embedders.component_basis IS 'The mean embedding and 25 principal axes: big-endian float4, 26 rows of `dimensions` numbers';
COMMENT ON COLUMN pgfeed.embedders.explained_variance IS 'Share of the embeddings'' variance that the 25 components keep; null: no variance';
ALTER TABLE pgfeed.embedders ALTER COLUMN embedder_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.embedders_embedder_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.evaluations (
    evaluation_id bigint NOT NULL,
    evaluated_at timestamp with time zone DEFAULT now() NOT NULL,
    protocol text NOT NULL,
    method text NOT NULL,
    variant text,
    model_version integer,
    metric text NOT NULL,
    value double precision NOT NULL,
    low double precision,
    high double precision,
    sample_count integer NOT NULL,
    parameters jsonb NOT NULL,
    CONSTRAINT evaluations_protocol_check CHECK ((protocol = ANY (ARRAY['logged'::text, 'live'::text, 'full'::text])))
);
COMMENT ON TABLE pgfeed.evaluations IS 'One row per evaluation, method and metric';
COMMENT ON COLUMN pgfeed.evaluations.method IS 'model, or a baseline such as random, most popular, best like rate';
COMMENT ON COLUMN pgfeed.evaluations.low IS 'Lower end of the 95% bootstrap interval over users';
COMMENT ON COLUMN pgfeed.evaluations.sample_count IS 'What the metric is a mean over: user-days, requests or users';
ALTER TABLE pgfeed.evaluations ALTER COLUMN evaluation_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.evaluations_evaluation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.experiment_arms (
    experiment_id integer NOT NULL,
    number integer NOT NULL,
    arm text NOT NULL,
    variant text NOT NULL,
    version integer,
    weight integer NOT NULL,
    slots int4range NOT NULL,
    CONSTRAINT experiment_arms_arm_check CHECK ((arm ~ '^[a-z][a-z0-9_]{0,39}$'::text)),
    CONSTRAINT experiment_arms_check CHECK (((version IS NULL) OR ((version > 0) AND (variant <> ALL (ARRAY['popular'::text, 'random'::text]))))),
    CONSTRAINT experiment_arms_number_check CHECK ((number > 0)),
    CONSTRAINT experiment_arms_variant_check CHECK (((variant ~ '^[a-z][a-z0-9_]{0,39}$'::text) OR (variant ~ '^(trending|popular_by):[^@]+$'::text))),
    CONSTRAINT experiment_arms_weight_check CHECK (((weight >= 1) AND (weight <= 10000)))
);
COMMENT ON TABLE pgfeed.experiment_arms IS 'One row per arm of an experiment: number 1 is the baseline that the others are compared with';
COMMENT ON COLUMN pgfeed.experiment_arms.variant IS 'A model''s variant, or one that ranks without a model, see _is_without_model()';
COMMENT ON COLUMN pgfeed.experiment_arms.version IS 'The pinned version; null: the one that is active';
COMMENT ON COLUMN pgfeed.experiment_arms.weight IS 'Share of the users in hundredths of a percent';
COMMENT ON COLUMN pgfeed.experiment_arms.slots IS 'The users with a hash (modulo slot_count) in here, see experiment_arm()';
ALTER TABLE pgfeed.experiments ALTER COLUMN experiment_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.experiments_experiment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.exposures (
    exposure_id uuid DEFAULT gen_random_uuid() NOT NULL,
    served_at timestamp with time zone NOT NULL,
    user_id bigint NOT NULL,
    experiment_id integer,
    arm text,
    variant text NOT NULL,
    source text NOT NULL,
    model_version integer,
    features_as_of timestamp with time zone NOT NULL,
    post_ids bigint[] NOT NULL,
    feed text,
    propensities real[],
    exploration text,
    seed bigint,
    arguments jsonb,
    CONSTRAINT exposures_check CHECK (((arm IS NULL) = (experiment_id IS NULL)))
)
PARTITION BY RANGE (served_at);
COMMENT ON TABLE pgfeed.exposures IS 'One row per answer of serve_posts(). Partitioned by month, small months together in the default partition; drop_exposures() drops old ones';
COMMENT ON COLUMN pgfeed.exposures.served_at IS 'The ts that the posts were asked for';
COMMENT ON COLUMN pgfeed.exposures.experiment_id IS 'The experiment that was running; null: none';
COMMENT ON COLUMN pgfeed.exposures.source IS 'As in recommendation';
COMMENT ON COLUMN pgfeed.exposures.post_ids IS 'In the order in which they were served';
COMMENT ON COLUMN pgfeed.exposures.feed IS 'The named feed that was asked for; null: none';
COMMENT ON COLUMN pgfeed.exposures.propensities IS 'propensities[i][j]: the probability that the post at place i of the list is shown at place j, so [i][i] that it is shown where it was. Null: each post was sure to be where it was';
COMMENT ON COLUMN pgfeed.exposures.exploration IS 'How much the feed explores and by which version of the policy: normal-1; null: it does not';
COMMENT ON COLUMN pgfeed.exposures.seed IS 'What drew the list, from feed, user and moment; null: nothing was drawn';
COMMENT ON COLUMN pgfeed.exposures.arguments IS 'What the call said beside user_id, ts and feed; k only if fewer posts were served. is_cut: more than 1000 candidates or posts to exclude, which are not kept. Null: nothing';
CREATE TABLE pgfeed.exposures_default (
    exposure_id uuid DEFAULT gen_random_uuid() NOT NULL,
    served_at timestamp with time zone NOT NULL,
    user_id bigint NOT NULL,
    experiment_id integer,
    arm text,
    variant text NOT NULL,
    source text NOT NULL,
    model_version integer,
    features_as_of timestamp with time zone NOT NULL,
    post_ids bigint[] NOT NULL,
    feed text,
    propensities real[],
    exploration text,
    seed bigint,
    arguments jsonb,
    CONSTRAINT exposures_check CHECK (((arm IS NULL) = (experiment_id IS NULL)))
);
ALTER TABLE pgfeed.feature_packs ALTER COLUMN pack_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.feature_packs_pack_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE pgfeed.feature_refreshes ALTER COLUMN refresh_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.feature_refreshes_refresh_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.feed_events_default (
    event_at timestamp with time zone NOT NULL,
    user_id bigint NOT NULL,
    post_id bigint NOT NULL,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL,
    action text NOT NULL,
    target boolean,
    attachment_id smallint,
    CONSTRAINT feed_events_action_check CHECK ((action = ANY (ARRAY['view'::text, 'like'::text]))),
    CONSTRAINT feed_events_event_at_check CHECK (((event_at >= '1970-01-01 00:00:00+00'::timestamp with time zone) AND (event_at < '2100-01-01 00:00:00+00'::timestamp with time zone)))
);
CREATE VIEW pgfeed.impressions AS ...;
COMMENT ON VIEW pgfeed.impressions IS 'One row per view that counts: one within an hour of another view of the post by the user repeats it, as when a client sends it again';
COMMENT ON COLUMN pgfeed.impressions.is_liked IS 'True if the user liked the post, for the first time, in the hour after the view, and neither took it back nor disliked it in that hour';
COMMENT ON COLUMN pgfeed.impressions.liked_at IS 'Time of the like row, or of the view where only its target tells of the like; null: not liked';
COMMENT ON COLUMN pgfeed.impressions.weight IS 'What it weighs in training: the largest weight of what the user did with the post in that hour, see actions';
CREATE TABLE pgfeed.ingest_files (
    ingest_id bigint NOT NULL,
    source_name text NOT NULL,
    sha256 text,
    kind text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    read_count bigint DEFAULT 0 NOT NULL,
    loaded_count bigint DEFAULT 0 NOT NULL,
    duplicate_count bigint DEFAULT 0 NOT NULL,
    rejected_count bigint DEFAULT 0 NOT NULL,
    CONSTRAINT ingest_files_kind_check CHECK ((kind = ANY (ARRAY['users'::text, 'posts'::text, 'events'::text])))
);
COMMENT ON TABLE pgfeed.ingest_files IS 'One row per file or table that pgfeed ingest read';
COMMENT ON COLUMN pgfeed.ingest_files.sha256 IS 'Of the file''s bytes; null: a table of another server';
COMMENT ON COLUMN pgfeed.ingest_files.finished_at IS 'Null: interrupted or still running';
ALTER TABLE pgfeed.ingest_files ALTER COLUMN ingest_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.ingest_files_ingest_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.ingest_rejects (
    reject_id bigint NOT NULL,
    ingest_id bigint NOT NULL,
    source_name text NOT NULL,
    line bigint,
    reason text NOT NULL,
    content text,
    rejected_at timestamp with time zone DEFAULT now() NOT NULL,
    reject_count bigint DEFAULT 1 NOT NULL,
    last_line bigint,
    lines bigint[]
);
COMMENT ON TABLE pgfeed.ingest_rejects IS 'One row per reason why rows of a source could not be loaded; many reasons of one form share a row';
COMMENT ON COLUMN pgfeed.ingest_rejects.line IS 'Line of a CSV file where the first of the rows starts; number of the row in Parquet files and tables';
COMMENT ON COLUMN pgfeed.ingest_rejects.content IS 'The first of the rows as it was read, shortened';
COMMENT ON COLUMN pgfeed.ingest_rejects.reject_count IS 'How many rows it stands for';
COMMENT ON COLUMN pgfeed.ingest_rejects.last_line IS 'Line or number of the last of the rows';
COMMENT ON COLUMN pgfeed.ingest_rejects.lines IS 'Lines or numbers of the first 100 of the rows';
ALTER TABLE pgfeed.ingest_rejects ALTER COLUMN reject_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.ingest_rejects_reject_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.jobs (
    job_id integer NOT NULL,
    kind text NOT NULL,
    variant text,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    asked_at timestamp with time zone DEFAULT now() NOT NULL,
    asked_by text DEFAULT SESSION_USER NOT NULL,
    attempt_count integer DEFAULT 0 NOT NULL,
    retry_at timestamp with time zone,
    worker text,
    started_at timestamp with time zone,
    heartbeat_at timestamp with time zone,
    version integer,
    error text,
    finished_at timestamp with time zone,
    CONSTRAINT jobs_check CHECK (((variant IS NOT NULL) = (kind = 'train'::text))),
    CONSTRAINT jobs_kind_check CHECK ((kind = ANY (ARRAY['train'::text, 'embed'::text])))
);
COMMENT ON TABLE pgfeed.jobs IS 'One row per job of a worker (pgfeed worker): ask_for_training() and ask_for_embedding() write them. The session of the worker at it holds the advisory lock (hashtext(''pgfeed.jobs''), job_id)';
COMMENT ON COLUMN pgfeed.jobs.settings IS 'recipe of train, embedder of embed; empty: as the verb has them';
COMMENT ON COLUMN pgfeed.jobs.retry_at IS 'Not taken before; null: at once';
COMMENT ON COLUMN pgfeed.jobs.worker IS 'Machine and process that took it last; null: none yet';
COMMENT ON COLUMN pgfeed.jobs.started_at IS 'Of the last attempt; null: nobody took it, or its worker gave it back';
COMMENT ON COLUMN pgfeed.jobs.heartbeat_at IS 'When the worker was there last: every ten seconds';
COMMENT ON COLUMN pgfeed.jobs.version IS 'The version that train stored, or that is only to be compared; null: none yet';
COMMENT ON COLUMN pgfeed.jobs.error IS 'Why the last attempt failed; null: none did. With finished_at: none will follow';
COMMENT ON COLUMN pgfeed.jobs.finished_at IS 'Null: to do, or at work';
ALTER TABLE pgfeed.jobs ALTER COLUMN job_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.jobs_job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.marked_posts (
    user_id bigint NOT NULL,
    post_id bigint NOT NULL,
    unliked_at timestamp with time zone,
    liked_again_at timestamp with time zone,
    hidden_at timestamp with time zone,
    is_shown boolean NOT NULL
);
COMMENT ON TABLE pgfeed.marked_posts IS 'One row per user and post of which liked_posts does not tell all, as of the last roll-up. Stays when the events are dropped';
COMMENT ON COLUMN pgfeed.marked_posts.unliked_at IS 'When the first like was taken back; null: it was not';
COMMENT ON COLUMN pgfeed.marked_posts.liked_again_at IS 'Since when it is liked after that; null: it is not';
COMMENT ON COLUMN pgfeed.marked_posts.hidden_at IS 'When a dislike hid it; null: none did, or it was taken back';
COMMENT ON COLUMN pgfeed.marked_posts.is_shown IS 'True: it is liked by actions that do not hide it';
CREATE VIEW pgfeed.likes AS ...;
COMMENT ON VIEW pgfeed.likes IS 'One row per user and post that the user liked, as of the last roll-up: liking it again is not a second like';
COMMENT ON COLUMN pgfeed.likes.liked_at IS 'Of the first like: time of the view if its target tells of it, else of the like row';
COMMENT ON COLUMN pgfeed.likes.unliked_at IS 'Since when it is taken back; null: it is not, or was liked again after that';
ALTER TABLE pgfeed.model_activations ALTER COLUMN activation_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.model_activations_activation_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.model_decisions (
    decision_id bigint NOT NULL,
    variant text NOT NULL,
    challenger integer NOT NULL,
    champion integer,
    decision text NOT NULL,
    rule text NOT NULL,
    reasons text[] NOT NULL,
    figures jsonb NOT NULL,
    activation_id bigint,
    experiment_id integer,
    decided_at timestamp with time zone DEFAULT now() NOT NULL,
    decided_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT model_decisions_decision_check CHECK ((decision = ANY (ARRAY['served'::text, 'refused'::text, 'taken back'::text])))
);
COMMENT ON TABLE pgfeed.model_decisions IS 'One row per decision on whether a version serves: of the gate, of activate_model() by force, of tick()';
COMMENT ON COLUMN pgfeed.model_decisions.challenger IS 'The version that was decided on';
COMMENT ON COLUMN pgfeed.model_decisions.champion IS 'The version that served until then; null: none that can';
COMMENT ON COLUMN pgfeed.model_decisions.rule IS 'In words: what it had to fulfil';
COMMENT ON COLUMN pgfeed.model_decisions.reasons IS 'Why it was refused or taken back; empty: it fulfilled all';
COMMENT ON COLUMN pgfeed.model_decisions.figures IS 'What was measured: differences on days that neither model has seen, slope, drift, agreement, lists of some users; of what was taken back the report of the experiment and the answers';
COMMENT ON COLUMN pgfeed.model_decisions.activation_id IS 'The activation that it led to; null: none';
COMMENT ON COLUMN pgfeed.model_decisions.experiment_id IS 'The experiment in which the champion keeps a share of the users; null: none';
ALTER TABLE pgfeed.model_decisions ALTER COLUMN decision_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.model_decisions_decision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE VIEW pgfeed.model_versions AS ...;
COMMENT ON VIEW pgfeed.model_versions IS 'One row per stored model that was not deleted, without its artifacts';
COMMENT ON COLUMN pgfeed.model_versions.evaluated_from IS 'Evaluations measure a copy that saw no event at or after it. Null: they measure what serves, from trained_until on';
COMMENT ON COLUMN pgfeed.model_versions.evaluated_until IS 'End of the days that the held_out metrics are of';
COMMENT ON COLUMN pgfeed.model_versions.note IS 'As describe_model() wrote it; null: none';
COMMENT ON COLUMN pgfeed.model_versions.tags IS 'As describe_model() wrote them, in order';
ALTER TABLE pgfeed.models ALTER COLUMN model_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.models_model_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE pgfeed.named_feeds ALTER COLUMN feed_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.named_feeds_feed_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.own_feature_values (
    name text NOT NULL,
    id bigint NOT NULL,
    value real NOT NULL
);
COMMENT ON TABLE pgfeed.own_feature_values IS 'One row per own feature and user or post that has a value, as of the last refresh';
COMMENT ON COLUMN pgfeed.own_feature_values.id IS 'user_id of user.NAME, post_id of post.NAME';
CREATE TABLE pgfeed.place_effects (
    until date NOT NULL,
    place smallint NOT NULL,
    effect real NOT NULL,
    view_count integer NOT NULL,
    estimated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT place_effects_effect_check CHECK ((effect > (0)::double precision)),
    CONSTRAINT place_effects_place_check CHECK (((place >= 0) AND (place <= 39)))
);
COMMENT ON TABLE pgfeed.place_effects IS 'One row per version and place: how much more what is shown there is liked than what is shown in the mean place, all else equal. A version, named by its first day, weighs the views from that day (UTC) on to the next version''s; before the first one all views weigh 1. See _estimate_places()';
COMMENT ON COLUMN pgfeed.place_effects.until IS 'The day (UTC) before which the views lie that it was estimated from';
COMMENT ON COLUMN pgfeed.place_effects.place IS 'Of a view: how many views of the user''s day (UTC) came before it, at most 39';
COMMENT ON COLUMN pgfeed.place_effects.effect IS '1: the mean of the views. A view weighs this much in the effective_view_count of roll-ups. In steps of 1/256, so that sums do not depend on their order';
COMMENT ON COLUMN pgfeed.place_effects.view_count IS 'Views that the version was estimated from';
CREATE TABLE pgfeed.post_components (
    post_id bigint NOT NULL,
    components public.vector(25) NOT NULL
);
COMMENT ON TABLE pgfeed.post_components IS 'One row per post with an embedding of the active embedder, as of the last pgfeed embed';
COMMENT ON COLUMN pgfeed.post_components.components IS 'The 25 principal components of the embedding, largest variance first; those without variance are 0';
CREATE TABLE pgfeed.post_embeddings (
    embedder_id integer NOT NULL,
    dimensions smallint NOT NULL,
    post_id bigint NOT NULL,
    text_digest uuid NOT NULL,
    embedding public.halfvec NOT NULL,
    CONSTRAINT post_embeddings_check CHECK ((public.vector_dims(embedding) = dimensions)),
    CONSTRAINT post_embeddings_embedding_check CHECK (((public.l2_norm(embedding) >= (0.99)::double precision) AND (public.l2_norm(embedding) <= (1.01)::double precision)))
);
COMMENT ON TABLE pgfeed.post_embeddings IS 'One row per embedder and post with a text, as of the last pgfeed embed';
COMMENT ON COLUMN pgfeed.post_embeddings.text_digest IS 'MD5 of the text that was embedded';
COMMENT ON COLUMN pgfeed.post_embeddings.embedding IS 'Of length 1';
CREATE MATERIALIZED VIEW pgfeed.post_text_features AS ...
  WITH NO DATA;
COMMENT ON MATERIALIZED VIEW pgfeed.post_text_features IS 'One row per post: what its text says, as of the last refresh. TF-IDF as in scikit-learn''s TfidfVectorizer: tf * (ln((1 + n) / (1 + df)) + 1), each post scaled to length 1, over the lexemes of the text search configuration russian, which stems Russian and English words';
COMMENT ON COLUMN pgfeed.post_text_features.text_length IS 'Characters; null: no text';
COMMENT ON COLUMN pgfeed.post_text_features.term_count IS 'Distinct lexemes; null: none';
CREATE TABLE pgfeed.post_vectors (
    post_id bigint NOT NULL,
    factors public.vector(16) NOT NULL
);
COMMENT ON TABLE pgfeed.post_vectors IS 'One row per post as of the last refresh: its vector of the factor model of likes; nearly 0: nobody liked it';
ALTER TABLE pgfeed.recommendation_batches ALTER COLUMN batch_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME pgfeed.recommendation_batches_batch_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE pgfeed.recommendation_chunks (
    batch_id bigint NOT NULL,
    chunk_number integer NOT NULL,
    user_ids bigint[] NOT NULL,
    finished_at timestamp with time zone
);
COMMENT ON TABLE pgfeed.recommendation_chunks IS 'One row per 200 users of the unfinished batch: what one transaction computes';
COMMENT ON COLUMN pgfeed.recommendation_chunks.finished_at IS 'Null: to do';
CREATE TABLE pgfeed.removed_events (
    user_id bigint,
    post_id bigint,
    day date
);
COMMENT ON TABLE pgfeed.removed_events IS 'One row per event that was taken back where it came from: the next roll-up counts its day (UTC) anew, even if fewer are left, and forgets likes that are gone';
COMMENT ON COLUMN pgfeed.removed_events.user_id IS 'Null: only the day is to be counted anew';
COMMENT ON COLUMN pgfeed.removed_events.day IS 'Null: all days of the post are, since its topic is another';
CREATE TABLE pgfeed.rollup_watermarks (
    is_only boolean DEFAULT true NOT NULL,
    watermark_at timestamp with time zone NOT NULL,
    CONSTRAINT rollup_watermarks_is_only_check CHECK (is_only)
);
COMMENT ON TABLE pgfeed.rollup_watermarks IS 'One row: events recorded before watermark_at are in rollup_days';
CREATE TABLE pgfeed.schedules (
    variant text NOT NULL,
    train_every interval NOT NULL,
    train_in text NOT NULL,
    recipe text,
    set_at timestamp with time zone DEFAULT now() NOT NULL,
    set_by text DEFAULT SESSION_USER NOT NULL,
    is_switching boolean DEFAULT true NOT NULL,
    margin real DEFAULT 0.02 NOT NULL,
    champion_share real DEFAULT 0.05 NOT NULL,
    champion_time interval DEFAULT '7 days'::interval NOT NULL,
    CONSTRAINT schedules_champion_share_check CHECK (((champion_share >= (0)::double precision) AND (champion_share <= (0.5)::double precision))),
    CONSTRAINT schedules_champion_time_check CHECK ((champion_time > '00:00:00'::interval)),
    CONSTRAINT schedules_margin_check CHECK (((margin >= (0)::double precision) AND (margin <= (1)::double precision))),
    CONSTRAINT schedules_train_every_check CHECK ((train_every >= '01:00:00'::interval)),
    CONSTRAINT schedules_train_in_check CHECK ((train_in = ANY (ARRAY['worker'::text, 'server'::text])))
);
COMMENT ON TABLE pgfeed.schedules IS 'One row per variant that tick() has trained: see set_schedule()';
COMMENT ON COLUMN pgfeed.schedules.train_in IS 'worker: tick() asks a worker for it; server: it runs in the session of tick(), a worker compares';
COMMENT ON COLUMN pgfeed.schedules.recipe IS 'Null: its own, or that of its newest version';
COMMENT ON COLUMN pgfeed.schedules.is_switching IS 'Whether the gate lets a new version serve; false: it stays inactive';
COMMENT ON COLUMN pgfeed.schedules.margin IS 'What share of the champion''s AUC, or NDCG@10, a challenger may be clearly behind';
COMMENT ON COLUMN pgfeed.schedules.champion_share IS 'Share of the users that the champion keeps after a switch, in whole percents, to be compared; 0: none';
COMMENT ON COLUMN pgfeed.schedules.champion_time IS 'How long after a switch the new model can be taken back';
CREATE TABLE pgfeed.tick_steps (
    step text NOT NULL,
    begun_at timestamp with time zone NOT NULL,
    done_at timestamp with time zone,
    error text
);
COMMENT ON TABLE pgfeed.tick_steps IS 'One row per step of tick() that was begun once: the last time';
COMMENT ON COLUMN pgfeed.tick_steps.step IS 'What is done; tick: all of it';
COMMENT ON COLUMN pgfeed.tick_steps.begun_at IS 'The moment of the tick() that began it last';
COMMENT ON COLUMN pgfeed.tick_steps.done_at IS 'The moment of the tick() that did it last; null: none did. Before begun_at: at work, interrupted, or failed';
COMMENT ON COLUMN pgfeed.tick_steps.error IS 'Why it failed the last time; null: it did not';
CREATE TABLE pgfeed.upkeep (
    is_only boolean DEFAULT true NOT NULL,
    refresh_every interval DEFAULT '1 day'::interval NOT NULL,
    is_embedding boolean DEFAULT true NOT NULL,
    recommend_every interval,
    keep_events interval,
    keep_exposures interval,
    set_at timestamp with time zone DEFAULT now() NOT NULL,
    set_by text DEFAULT SESSION_USER NOT NULL,
    CONSTRAINT upkeep_is_only_check CHECK (is_only),
    CONSTRAINT upkeep_keep_events_check CHECK ((keep_events >= '31 days'::interval)),
    CONSTRAINT upkeep_keep_exposures_check CHECK ((keep_exposures >= '31 days'::interval)),
    CONSTRAINT upkeep_recommend_every_check CHECK ((recommend_every >= '00:01:00'::interval)),
    CONSTRAINT upkeep_refresh_every_check CHECK ((refresh_every >= '00:01:00'::interval))
);
COMMENT ON TABLE pgfeed.upkeep IS 'One row: what tick() does for the whole database, see set_upkeep()';
COMMENT ON COLUMN pgfeed.upkeep.is_embedding IS 'Whether new posts are embedded, if an embedder answers';
COMMENT ON COLUMN pgfeed.upkeep.recommend_every IS 'Null: tick() fills no recommendations';
COMMENT ON COLUMN pgfeed.upkeep.keep_events IS 'Whole months that ended longer ago are dropped; null: none';
COMMENT ON COLUMN pgfeed.upkeep.keep_exposures IS 'As keep_events';
CREATE TABLE pgfeed.user_topic_days (
    user_id bigint NOT NULL,
    day date NOT NULL,
    topic text NOT NULL,
    view_count integer NOT NULL,
    like_count integer NOT NULL,
    effective_view_count real
);
COMMENT ON TABLE pgfeed.user_topic_days IS 'One row per user, day (UTC) and topic with events';
COMMENT ON COLUMN pgfeed.user_topic_days.topic IS 'Empty: the post has none, or is not in posts';
COMMENT ON COLUMN pgfeed.user_topic_days.effective_view_count IS 'As in post_days';
CREATE TABLE pgfeed.user_vectors (
    user_id bigint NOT NULL,
    factors public.vector(16) NOT NULL
);
COMMENT ON TABLE pgfeed.user_vectors IS 'One row per user with a like among the newest 1,000,000 as of the last refresh: the vector whose product with a post''s is near 1 for what the user would like. recommend_posts makes its own from the likes until ts';
ALTER TABLE ONLY pgfeed.exposures ATTACH PARTITION pgfeed.exposures_default DEFAULT;
ALTER TABLE ONLY pgfeed.feed_events ATTACH PARTITION pgfeed.feed_events_default DEFAULT;
ALTER TABLE ONLY pgfeed.actions
    ADD CONSTRAINT actions_pkey PRIMARY KEY (action);
ALTER TABLE ONLY pgfeed.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY pgfeed.attached_tables
    ADD CONSTRAINT attached_tables_pkey PRIMARY KEY (attachment_id);
ALTER TABLE ONLY pgfeed.attributes
    ADD CONSTRAINT attributes_pkey PRIMARY KEY (kind, name);
ALTER TABLE ONLY pgfeed.cursor_keys
    ADD CONSTRAINT cursor_keys_pkey PRIMARY KEY (made_at);
ALTER TABLE ONLY pgfeed.deleted_posts
    ADD CONSTRAINT deleted_posts_pkey PRIMARY KEY (post_id);
ALTER TABLE ONLY pgfeed.embedders
    ADD CONSTRAINT embedders_embedder_id_dimensions_key UNIQUE (embedder_id, dimensions);
ALTER TABLE ONLY pgfeed.embedders
    ADD CONSTRAINT embedders_name_checkpoint_key UNIQUE (name, checkpoint);
ALTER TABLE ONLY pgfeed.embedders
    ADD CONSTRAINT embedders_pkey PRIMARY KEY (embedder_id);
ALTER TABLE ONLY pgfeed.evaluations
    ADD CONSTRAINT evaluations_pkey PRIMARY KEY (evaluation_id);
ALTER TABLE ONLY pgfeed.experiment_arms
    ADD CONSTRAINT experiment_arms_experiment_id_number_key UNIQUE (experiment_id, number);
ALTER TABLE ONLY pgfeed.experiment_arms
    ADD CONSTRAINT experiment_arms_pkey PRIMARY KEY (experiment_id, arm);
ALTER TABLE ONLY pgfeed.experiments
    ADD CONSTRAINT experiments_name_key UNIQUE (name);
ALTER TABLE ONLY pgfeed.experiments
    ADD CONSTRAINT experiments_pkey PRIMARY KEY (experiment_id);
ALTER TABLE ONLY pgfeed.exposures
    ADD CONSTRAINT exposures_pkey PRIMARY KEY (user_id, served_at, exposure_id);
ALTER TABLE ONLY pgfeed.exposures_default
    ADD CONSTRAINT exposures_default_pkey PRIMARY KEY (user_id, served_at, exposure_id);
ALTER TABLE ONLY pgfeed.feature_packs
    ADD CONSTRAINT feature_packs_as_of_key UNIQUE (as_of);
ALTER TABLE ONLY pgfeed.feature_packs
    ADD CONSTRAINT feature_packs_pkey PRIMARY KEY (pack_id);
ALTER TABLE ONLY pgfeed.feature_refreshes
    ADD CONSTRAINT feature_refreshes_pkey PRIMARY KEY (refresh_id);
ALTER TABLE ONLY pgfeed.feed_events
    ADD CONSTRAINT feed_events_pkey PRIMARY KEY (user_id, event_at, post_id, action) INCLUDE (target);
ALTER TABLE ONLY pgfeed.feed_events_default
    ADD CONSTRAINT feed_events_default_pkey PRIMARY KEY (user_id, event_at, post_id, action) INCLUDE (target);
ALTER TABLE ONLY pgfeed.feed_posts
    ADD CONSTRAINT feed_posts_pkey PRIMARY KEY (pack_id, feed_id);
ALTER TABLE ONLY pgfeed.ingest_files
    ADD CONSTRAINT ingest_files_pkey PRIMARY KEY (ingest_id);
ALTER TABLE ONLY pgfeed.ingest_rejects
    ADD CONSTRAINT ingest_rejects_pkey PRIMARY KEY (reject_id);
ALTER TABLE ONLY pgfeed.jobs
    ADD CONSTRAINT jobs_pkey PRIMARY KEY (job_id);
ALTER TABLE ONLY pgfeed.liked_posts
    ADD CONSTRAINT liked_posts_pkey PRIMARY KEY (user_id, post_id) INCLUDE (liked_at);
ALTER TABLE ONLY pgfeed.marked_posts
    ADD CONSTRAINT marked_posts_pkey PRIMARY KEY (user_id, post_id);
ALTER TABLE ONLY pgfeed.model_activations
    ADD CONSTRAINT model_activations_pkey PRIMARY KEY (activation_id);
ALTER TABLE ONLY pgfeed.model_decisions
    ADD CONSTRAINT model_decisions_pkey PRIMARY KEY (decision_id);
ALTER TABLE ONLY pgfeed.models
    ADD CONSTRAINT models_pkey PRIMARY KEY (model_id);
ALTER TABLE pgfeed.models
    ADD CONSTRAINT models_variant_check1 CHECK ((variant <> ALL (ARRAY['popular'::text, 'random'::text, 'newest'::text, 'trending'::text]))) NOT VALID;
ALTER TABLE ONLY pgfeed.models
    ADD CONSTRAINT models_variant_version_key UNIQUE (variant, version);
ALTER TABLE ONLY pgfeed.named_feeds
    ADD CONSTRAINT named_feeds_name_key UNIQUE (name);
ALTER TABLE ONLY pgfeed.named_feeds
    ADD CONSTRAINT named_feeds_pkey PRIMARY KEY (feed_id);
ALTER TABLE ONLY pgfeed.own_feature_values
    ADD CONSTRAINT own_feature_values_pkey PRIMARY KEY (name, id);
ALTER TABLE ONLY pgfeed.own_features
    ADD CONSTRAINT own_features_pkey PRIMARY KEY (name);
ALTER TABLE ONLY pgfeed.place_effects
    ADD CONSTRAINT place_effects_pkey PRIMARY KEY (until, place);
ALTER TABLE ONLY pgfeed.post_components
    ADD CONSTRAINT post_components_pkey PRIMARY KEY (post_id);
ALTER TABLE ONLY pgfeed.post_days
    ADD CONSTRAINT post_days_pkey PRIMARY KEY (day, post_id);
ALTER TABLE ONLY pgfeed.post_embeddings
    ADD CONSTRAINT post_embeddings_pkey PRIMARY KEY (embedder_id, post_id);
ALTER TABLE ONLY pgfeed.post_vectors
    ADD CONSTRAINT post_vectors_pkey PRIMARY KEY (post_id);
ALTER TABLE ONLY pgfeed.posts
    ADD CONSTRAINT posts_pkey PRIMARY KEY (post_id);
ALTER TABLE pgfeed.posts
    ADD CONSTRAINT posts_text_check CHECK ((octet_length(text) <= 20000000)) NOT VALID;
ALTER TABLE pgfeed.posts
    ADD CONSTRAINT posts_topic_check CHECK ((octet_length(topic) <= 2000)) NOT VALID;
ALTER TABLE ONLY pgfeed.recommendation_batches
    ADD CONSTRAINT recommendation_batches_pkey PRIMARY KEY (batch_id);
ALTER TABLE ONLY pgfeed.recommendation_chunks
    ADD CONSTRAINT recommendation_chunks_pkey PRIMARY KEY (batch_id, chunk_number);
ALTER TABLE ONLY pgfeed.recommendations
    ADD CONSTRAINT recommendations_pkey PRIMARY KEY (user_id, rank);
ALTER TABLE ONLY pgfeed.rollup_days
    ADD CONSTRAINT rollup_days_pkey PRIMARY KEY (day);
ALTER TABLE ONLY pgfeed.rollup_watermarks
    ADD CONSTRAINT rollup_watermarks_pkey PRIMARY KEY (is_only);
ALTER TABLE ONLY pgfeed.schedules
    ADD CONSTRAINT schedules_pkey PRIMARY KEY (variant);
ALTER TABLE ONLY pgfeed.tick_steps
    ADD CONSTRAINT tick_steps_pkey PRIMARY KEY (step);
ALTER TABLE ONLY pgfeed.upkeep
    ADD CONSTRAINT upkeep_pkey PRIMARY KEY (is_only);
ALTER TABLE ONLY pgfeed.user_topic_days
    ADD CONSTRAINT user_topic_days_pkey PRIMARY KEY (user_id, day, topic);
ALTER TABLE ONLY pgfeed.user_vectors
    ADD CONSTRAINT user_vectors_pkey PRIMARY KEY (user_id);
ALTER TABLE ONLY pgfeed.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);
CREATE UNIQUE INDEX _text_statistics_lexeme_post_id_idx ON pgfeed._text_statistics USING btree (lexeme, post_id);
CREATE UNIQUE INDEX attached_tables_kind_idx ON pgfeed.attached_tables USING btree (kind) WHERE (kind <> 'events'::text);
CREATE UNIQUE INDEX embedders_is_active_idx ON pgfeed.embedders USING btree (is_active) WHERE is_active;
CREATE UNIQUE INDEX experiments_expr_idx ON pgfeed.experiments USING btree ((true)) WHERE ((started_at IS NOT NULL) AND (stopped_at IS NULL));
CREATE INDEX exposures_experiment_id_served_at_idx ON ONLY pgfeed.exposures USING btree (experiment_id, served_at) WHERE (experiment_id IS NOT NULL);
CREATE INDEX exposures_default_experiment_id_served_at_idx ON pgfeed.exposures_default USING btree (experiment_id, served_at) WHERE (experiment_id IS NOT NULL);
CREATE INDEX exposures_default_served_at_idx ON pgfeed.exposures_default USING btree (served_at);
CREATE INDEX exposures_served_at_idx ON ONLY pgfeed.exposures USING brin (served_at) WITH (pages_per_range='32');
CREATE INDEX exposures_default_served_at_idx1 ON pgfeed.exposures_default USING brin (served_at) WITH (pages_per_range='32');
CREATE INDEX feed_events_event_at_idx ON ONLY pgfeed.feed_events USING brin (event_at) WITH (pages_per_range='32');
CREATE INDEX feed_events_default_event_at_idx ON pgfeed.feed_events_default USING brin (event_at) WITH (pages_per_range='32');
CREATE INDEX feed_events_default_event_at_idx1 ON pgfeed.feed_events_default USING btree (event_at);
CREATE INDEX feed_events_recorded_at_idx ON ONLY pgfeed.feed_events USING brin (recorded_at) WITH (pages_per_range='32');
CREATE INDEX feed_events_default_recorded_at_idx ON pgfeed.feed_events_default USING brin (recorded_at) WITH (pages_per_range='32');
CREATE INDEX ingest_rejects_ingest_id_idx ON pgfeed.ingest_rejects USING btree (ingest_id);
CREATE INDEX jobs_job_id_idx ON pgfeed.jobs USING btree (job_id) WHERE (finished_at IS NULL);
CREATE INDEX liked_posts_liked_at_idx ON pgfeed.liked_posts USING btree (liked_at);
CREATE INDEX model_activations_variant_activation_id_idx ON pgfeed.model_activations USING btree (variant, activation_id DESC);
CREATE INDEX model_decisions_variant_decision_id_idx ON pgfeed.model_decisions USING btree (variant, decision_id DESC);
CREATE INDEX post_days_post_id_day_idx ON pgfeed.post_days USING btree (post_id, day);
CREATE INDEX post_embeddings_post_id_idx ON pgfeed.post_embeddings USING btree (post_id);
CREATE UNIQUE INDEX post_features_post_id_idx ON pgfeed.post_features USING btree (post_id);
CREATE UNIQUE INDEX post_text_features_post_id_idx ON pgfeed.post_text_features USING btree (post_id);
CREATE INDEX posts_created_at_idx ON pgfeed.posts USING btree (created_at DESC) WHERE (created_at IS NOT NULL);
CREATE INDEX posts_created_at_idx1 ON pgfeed.posts USING btree (created_at DESC) WHERE is_new;
CREATE INDEX posts_post_id_idx ON pgfeed.posts USING btree (post_id) WHERE (hidden_at IS NOT NULL);
CREATE INDEX posts_post_id_idx1 ON pgfeed.posts USING btree (post_id) WHERE (key IS NOT NULL);
CREATE UNIQUE INDEX recommendation_batches_expr_idx ON pgfeed.recommendation_batches USING btree (((finished_at IS NULL))) WHERE (finished_at IS NULL);
CREATE INDEX recommendations_post_id_idx ON pgfeed.recommendations USING btree (post_id);
CREATE INDEX recommendations_recommended_at_idx ON pgfeed.recommendations USING btree (recommended_at);
CREATE UNIQUE INDEX served_counts_day_feed_variant_rank_topic_idx ON pgfeed.served_counts USING btree (day, feed, variant, rank, topic) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX user_features_user_id_idx ON pgfeed.user_features USING btree (user_id);
CREATE INDEX user_topic_days_day_idx ON pgfeed.user_topic_days USING brin (day) WITH (pages_per_range='32');
CREATE UNIQUE INDEX user_topic_features_user_id_topic_idx ON pgfeed.user_topic_features USING btree (user_id, topic);
CREATE INDEX users_user_id_idx ON pgfeed.users USING btree (user_id) WHERE (key IS NOT NULL);
ALTER INDEX pgfeed.exposures_experiment_id_served_at_idx ATTACH PARTITION pgfeed.exposures_default_experiment_id_served_at_idx;
ALTER INDEX pgfeed.exposures_pkey ATTACH PARTITION pgfeed.exposures_default_pkey;
ALTER INDEX pgfeed.exposures_served_at_idx ATTACH PARTITION pgfeed.exposures_default_served_at_idx1;
ALTER INDEX pgfeed.feed_events_event_at_idx ATTACH PARTITION pgfeed.feed_events_default_event_at_idx;
ALTER INDEX pgfeed.feed_events_pkey ATTACH PARTITION pgfeed.feed_events_default_pkey;
ALTER INDEX pgfeed.feed_events_recorded_at_idx ATTACH PARTITION pgfeed.feed_events_default_recorded_at_idx;
CREATE TRIGGER remember_deleted_posts AFTER DELETE ON pgfeed.posts REFERENCING OLD TABLE AS deleted FOR EACH STATEMENT EXECUTE FUNCTION pgfeed._remember_deleted_posts();
CREATE TRIGGER remember_truncated_posts BEFORE TRUNCATE ON pgfeed.posts FOR EACH STATEMENT EXECUTE FUNCTION pgfeed._remember_deleted_posts();
ALTER TABLE ONLY pgfeed.actions
    ADD CONSTRAINT actions_undoes_fkey FOREIGN KEY (undoes) REFERENCES pgfeed.actions(action);
ALTER TABLE ONLY pgfeed.experiment_arms
    ADD CONSTRAINT experiment_arms_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES pgfeed.experiments(experiment_id);
ALTER TABLE ONLY pgfeed.feed_posts
    ADD CONSTRAINT feed_posts_feed_id_fkey FOREIGN KEY (feed_id) REFERENCES pgfeed.named_feeds(feed_id) ON DELETE CASCADE;
ALTER TABLE ONLY pgfeed.ingest_rejects
    ADD CONSTRAINT ingest_rejects_ingest_id_fkey FOREIGN KEY (ingest_id) REFERENCES pgfeed.ingest_files(ingest_id) ON DELETE CASCADE;
ALTER TABLE ONLY pgfeed.model_activations
    ADD CONSTRAINT model_activations_replaced_activation_id_fkey FOREIGN KEY (replaced_activation_id) REFERENCES pgfeed.model_activations(activation_id);
ALTER TABLE ONLY pgfeed.model_activations
    ADD CONSTRAINT model_activations_variant_version_fkey FOREIGN KEY (variant, version) REFERENCES pgfeed.models(variant, version);
ALTER TABLE ONLY pgfeed.model_decisions
    ADD CONSTRAINT model_decisions_experiment_id_fkey FOREIGN KEY (experiment_id) REFERENCES pgfeed.experiments(experiment_id) ON DELETE SET NULL;
ALTER TABLE ONLY pgfeed.model_decisions
    ADD CONSTRAINT model_decisions_variant_challenger_fkey FOREIGN KEY (variant, challenger) REFERENCES pgfeed.models(variant, version);
ALTER TABLE ONLY pgfeed.post_components
    ADD CONSTRAINT post_components_post_id_fkey FOREIGN KEY (post_id) REFERENCES pgfeed.posts(post_id) ON DELETE CASCADE;
ALTER TABLE ONLY pgfeed.post_embeddings
    ADD CONSTRAINT post_embeddings_embedder_id_dimensions_fkey FOREIGN KEY (embedder_id, dimensions) REFERENCES pgfeed.embedders(embedder_id, dimensions) ON DELETE CASCADE;
ALTER TABLE ONLY pgfeed.post_embeddings
    ADD CONSTRAINT post_embeddings_post_id_fkey FOREIGN KEY (post_id) REFERENCES pgfeed.posts(post_id) ON DELETE CASCADE;
ALTER TABLE ONLY pgfeed.post_vectors
    ADD CONSTRAINT post_vectors_post_id_fkey FOREIGN KEY (post_id) REFERENCES pgfeed.posts(post_id) ON DELETE CASCADE;
ALTER TABLE ONLY pgfeed.recommendation_chunks
    ADD CONSTRAINT recommendation_chunks_batch_id_fkey FOREIGN KEY (batch_id) REFERENCES pgfeed.recommendation_batches(batch_id) ON DELETE CASCADE;
GRANT USAGE ON SCHEMA feed_bi TO pgfeed_reader;
GRANT USAGE ON SCHEMA feed_bi TO pgfeed_operator;
GRANT USAGE ON SCHEMA pgfeed TO pgfeed_reader;
GRANT USAGE ON SCHEMA pgfeed TO pgfeed_writer;
GRANT USAGE ON SCHEMA pgfeed TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._access_probes() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._activate(IN variant text, IN version integer, IN replaced_activation_id bigint, INOUT activation_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._add_posts_of_events(attachment_id smallint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._answer_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._answer_training() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._answer_training() TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._apply_partition_changes(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, INOUT is_done boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._apply_partition_changes(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, INOUT is_done boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._arm_problems(experiment_id integer) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._attach(IN kind text, IN relation text, IN settings jsonb, IN sync text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._attach(IN kind text, IN relation text, IN settings jsonb, IN sync text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._attach_again(attached pgfeed.attached_tables) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._attach_months(IN parent text, IN months timestamp with time zone[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._attached_rows(kind text, settings jsonb, source text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._attachment(attachment_id smallint, OUT relation regclass, OUT sync text, OUT columns text[], OUT has_policies boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._attachment(attachment_id smallint, OUT relation regclass, OUT sync text, OUT columns text[], OUT has_policies boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._attachment_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._attachment_problems(attachment_id smallint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._attachments_of(name text, known regclass, action text, kind text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._attachments_of(name text, known regclass, action text, kind text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._attribute_columns() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._attribute_type(name text, type text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._begin_step(IN step text, IN at timestamp with time zone, INOUT is_alone boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._begin_step(IN step text, IN at timestamp with time zone, INOUT is_alone boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._bi_schema() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._catalogue_count(as_of timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._check_actions() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._check_feed(settings jsonb) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._check_recipe(IN variant text, IN recipe text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._chi_square_tail(x double precision, degrees integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._chosen_factors(post_ids bytea, all_ids bytea, factors bytea) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._close_relation(IN attachment_id smallint, IN relation regclass) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._close_relation(IN attachment_id smallint, IN relation regclass) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._commit(INOUT is_committed boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._commit(INOUT is_committed boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._compiled_filter(filter text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._compute_own_features(IN as_of timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._copy_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._copy_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._count_events(IN days date[]) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._count_removed_events() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._count_served(IN days date[]) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._count_user_topics(IN user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._counting_probes() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._create_partitions(IN parent text, IN from_at timestamp with time zone, IN to_at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._data_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._date_of(value text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._decide(IN variant text, IN version integer, IN trial jsonb, INOUT decision text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._default_months(parent text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._default_variant() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._do_step(IN step text, IN at timestamp with time zone, INOUT is_done boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._do_step(IN step text, IN at timestamp with time zone, INOUT is_done boolean) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._drop_event_months(IN until timestamp with time zone, INOUT partition_count integer) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._drop_partition_copies(IN parent text, IN token text, INOUT is_done boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._drop_partition_copies(IN parent text, IN token text, INOUT is_done boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._due_steps(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._due_steps(at timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._estimate_places(IN days date[]) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._evaluate_feeds(IN pack_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._events_from() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._experiment_id(experiment text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._expression_facts(relation regclass, argument text, expression text, OUT type text, OUT columns text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._factors(as_of timestamp with time zone, post_ids bytea, OUT post_factors bytea, OUT post_vectors public.vector[], OUT user_ids bigint[], OUT user_vectors public.vector[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._feature_function(function text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._feature_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._feature_words() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._feature_words() TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._feature_words() TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._feature_words() TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._feed_clock(OUT is_live boolean, OUT newest_at timestamp with time zone, OUT clock_at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._feed_feature(name text, argument text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._feed_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._feed_problem(feed_id integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._fill_recommendation_chunk(batch_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._fill_recommendation_chunk(batch_id bigint) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._filter_columns() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._filter_facts(expression text, OUT problem text, OUT hint text, OUT sql text, OUT type text, OUT columns text[], OUT nodes text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._filter_moments(filter jsonb, ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._filter_rows(columns text[], as_of timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._filtered_posts(filter jsonb, part text, ts timestamp with time zone, as_of timestamp with time zone, chosen_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._find_leak(IN name text, INOUT problem text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._find_missing_months() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._find_stale_days(IN from_day date) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._fitted_places(user_ids bytea, days bytea, post_ids bytea, places bytea, likes bytea, weights bytea, sizes bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._follow_statements(attachment_id smallint, kind text, settings jsonb, operation text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._foreign_error(attached pgfeed.attached_tables) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._forget_attachment(attachment_id smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._forget_attachment(attachment_id smallint) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._forget_profile(IN user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._fresh_posts(features_as_of timestamp with time zone, ts timestamp with time zone, is_current boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._fresh_text_features(post_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._gate_reasons(figures jsonb, margin double precision) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._grants_to_revoke(attachment_id smallint, OUT columns text, OUT schema text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._grants_to_revoke(attachment_id smallint, OUT columns text, OUT schema text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._group_counts(feature text, group_values text[], as_of timestamp with time zone, OUT user_count integer, OUT post_ids bytea, OUT view_counts bytea, OUT like_counts bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._has_events(from_at timestamp with time zone, to_at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._helpful_index(attached pgfeed.attached_tables) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._hex_modulo(digits text, divisor integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._hits() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._id_of(kind text, key text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._infer_attributes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._is_action(action text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._is_first_undo(user_id bigint, post_id bigint, undone_at timestamp with time zone, hits text[], undos text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._is_large() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._is_loaded() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._is_partition_token(parent text, months timestamp with time zone[], thin_partitions text[], token text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._is_pinned_baseline(user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._variants_without_model() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._variants_without_model() TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._variants_without_model() TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._variants_without_model() TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._is_without_model(variant text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._is_without_model(variant text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._is_without_model(variant text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._is_without_model(variant text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._job_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._job_sessions(lock_name text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._job_states() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._job_states() TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._job_states() TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._keep_champion(IN variant text, IN challenger integer, IN champion integer, INOUT experiment_id integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._key_id(key text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._key_type(kind text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._learning() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._learning() TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._leave_out_user(IN user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._level(threshold text, value double precision) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._library() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._like_window() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._list_figures(variant text, version integer, user_count integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._list_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._live_from(ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._load_attachment(IN attachment_id smallint, INOUT done double precision) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._load_attachment(IN attachment_id smallint, INOUT done double precision) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._log_partition_change() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._loop_probes() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._make_attached_posts() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._make_event_rows(IN attachment_id smallint, INOUT arguments text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._make_follower(IN attachment_id smallint) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._make_insert_follower(IN attachment_id smallint) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._make_newest_events() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._make_triggers(IN attachment_id smallint) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._make_triggers(IN attachment_id smallint) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._mark_posts(IN since timestamp with time zone, IN user_ids bigint[], IN post_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._merge_events(attachment_id smallint, action text, rows text, removed text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._merge_posts(rows text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._merge_users(rows text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._missing_indexes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._model_id(variant text, version integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._model_problems(model_id bigint) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._move_user(IN user_id bigint, IN into_user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._named_features(features jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._named_feed_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._nearest_posts(embedding public.halfvec, k integer, left_out bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._needs_neighbours(feature_names text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._newest_likes(ts timestamp with time zone, most bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._newest_rows_index(attached pgfeed.attached_tables, OUT index_id oid, OUT time_type regtype) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._no_month(parent text, months timestamp with time zone[], thin_partitions text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._note_grants(attachment_id smallint, columns text[], schema text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._note_grants(attachment_id smallint, columns text[], schema text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._note_new_variant(IN variant text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._off_policy_estimates(model_id bigint, variant text, version integer, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._open_columns(IN attachment_id smallint) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._open_columns(IN attachment_id smallint) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._open_relation(IN relation regclass) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._open_relation(IN relation regclass) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._own_feature_as_of(name text, ts timestamp with time zone, ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._own_feature_values(name text, ts timestamp with time zone, ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._own_user_features(ts timestamp with time zone, user_ids bigint[], is_current boolean) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._pack_features(IN as_of timestamp with time zone) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._pack_features(IN as_of timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._packed_posts(as_of timestamp with time zone, chosen_ids bigint[], known_topics text[], is_fresh boolean, OUT post_count integer, OUT feature_names text[], OUT topics text[], OUT post_ids bytea, OUT topic_codes bytea, OUT matrix bytea, OUT attributes jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._partition_copies(parent text, months timestamp with time zone[], thin_partitions text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._partition_key(parent text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._partition_moves(parent text, OUT months timestamp with time zone[], OUT thin_partitions text[]) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._partition_moves(parent text, OUT months timestamp with time zone[], OUT thin_partitions text[]) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._partition_probe() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._partition_token(parent text, months timestamp with time zone[], thin_partitions text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._place_effects() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._place_versions() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_counts(ts timestamp with time zone, post_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_factors(as_of timestamp with time zone, post_ids bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_ids_of(keys text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_neighbours(as_of timestamp with time zone, post_ids bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_pack(as_of timestamp with time zone, chosen_ids bigint[], known_topics text[], OUT post_count integer, OUT feature_names text[], OUT topics text[], OUT post_ids bytea, OUT topic_codes bytea, OUT matrix bytea, OUT attributes jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_rows(post_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._post_text(post_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._post_text(post_id bigint) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._post_text(post_id bigint) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._post_texts(post_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._posts_outside(ts timestamp with time zone, post_ids bigint[], count integer, topics text[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._preferences(as_of timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._prior_like_rate(ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._probe(name text, failures text[], warnings text[], found text, remedy text, figures jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._python_versions() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._rank_posts(user_id bigint, post_ids bytea, ts timestamp with time zone, variant text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._rank_posts(user_id bigint, post_ids bytea, ts timestamp with time zone, variant text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._rank_posts(user_id bigint, post_ids bytea, ts timestamp with time zone, variant text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._rank_posts(user_id bigint, post_ids bytea, ts timestamp with time zone, variant text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._recent_events(cut_off timestamp with time zone, from_at timestamp with time zone, ts timestamp with time zone, OUT post_ids bytea, OUT seconds bytea, OUT view_counts bytea, OUT like_counts bytea, OUT effective_view_counts bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._recent_events_of(user_ids bigint[], cut_off timestamp with time zone, from_at timestamp with time zone, ts timestamp with time zone, OUT event_user_ids bytea, OUT post_ids bytea, OUT seconds bytea, OUT view_counts bytea, OUT like_counts bytea, OUT effective_view_counts bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._recipe_error(variant text, recipe text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._recommend_users(user_ids bigint[], ts timestamp with time zone, k integer, variant text, OUT list_user_ids bigint[], OUT ranks integer[], OUT post_ids bigint[], OUT scores double precision[], OUT variants text[], OUT sources text[], OUT model_versions integer[], OUT features_as_of timestamp with time zone[]) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._recount_likes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._refresh_as_of() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._register_attributes(IN kind text, IN attributes jsonb) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._relation_named(name text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._relation_named(name text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._relative_columns(feature_names text[], topics text[], post_ids bytea, topic_codes bytea, matrix bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._remember_deleted_posts() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._remember_missing_posts() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._replay_list(exposure jsonb, model_id bigint, explores boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed.user_features_as_of(ts timestamp with time zone, user_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.user_features_as_of(ts timestamp with time zone, user_ids bigint[]) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.user_topic_features_as_of(ts timestamp with time zone, user_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.user_topic_features_as_of(ts timestamp with time zone, user_ids bigint[]) TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.actions TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.actions TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.actions TO pgfeed_operator;
GRANT INSERT(event_at) ON TABLE pgfeed.feed_events TO pgfeed_writer;
GRANT INSERT(user_id) ON TABLE pgfeed.feed_events TO pgfeed_writer;
GRANT INSERT(post_id) ON TABLE pgfeed.feed_events TO pgfeed_writer;
GRANT INSERT(action) ON TABLE pgfeed.feed_events TO pgfeed_writer;
GRANT INSERT(target) ON TABLE pgfeed.feed_events TO pgfeed_writer;
GRANT INSERT(attachment_id) ON TABLE pgfeed.feed_events TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.own_features TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.user_features TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.user_features TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.user_topic_features TO pgfeed_reader;
GRANT SELECT,INSERT,UPDATE ON TABLE pgfeed.users TO pgfeed_writer;
REVOKE ALL ON FUNCTION pgfeed._request_user(user_id bigint, ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._request_users(ts timestamp with time zone, user_ids bigint[], is_current boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._require_all_rows() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._require_attachment(attachment_id smallint) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._require_detached_user(IN user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._require_key_types(kind text, relation regclass, types jsonb) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._require_new_feature(IN kind text, IN name text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._require_newest_rows_index(attached pgfeed.attached_tables) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._rising_post_ids(ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._roll_up_days(IN days date[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._running_arm(user_id bigint, OUT experiment_id integer, OUT arm text, OUT variant text, OUT version integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._search_posts(text text, k integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._search_posts(text text, k integer) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._search_posts(text text, k integer) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed._search_posts(text text, k integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._seen_post_ids(user_id bigint, ts timestamp with time zone, within interval) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._serve_list(user_id bigint, ts timestamp with time zone, k integer, candidates bytea, exclude bytea, hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._server_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._serving_probes() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._serving_state(ts timestamp with time zone, variant text, user_id bigint, OUT is_finite boolean, OUT variants text[], OUT serving_variant text, OUT model_id bigint, OUT model_version integer, OUT features_as_of timestamp with time zone, OUT is_current boolean, OUT pack_id bigint, OUT pack_version text, OUT is_shortlist boolean, OUT hour integer, OUT weekday integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._sessions_at(parent regclass, OUT names text, OUT statement text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._shared_pairs(name text, other text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._shared_pairs(name text, other text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._shortlist(as_of timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._shown_post_ids(post_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._since(sentence text, seconds double precision) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._slot(user_id bigint, salt text, slot_count integer) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._stale_days(max_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._stale_days(max_days integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._start_attachment(kind text, relation regclass, settings jsonb, sync text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._start_attachment(kind text, relation regclass, settings jsonb, sync text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._start_recommendation_batch(ts timestamp with time zone, k integer, variant text, active_days integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._start_recommendation_batch(ts timestamp with time zone, k integer, variant text, active_days integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._step_times(at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._step_times(at timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed._step_times(at timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed._stop_gate(IN variant text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._swap_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, IN copied_at timestamp with time zone, INOUT is_done boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._swap_partitions(IN parent text, IN months timestamp with time zone[], IN thin_partitions text[], IN token text, IN copied_at timestamp with time zone, INOUT is_done boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._sync_events(attachment_id smallint, complete boolean) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._sync_rows(attachment_id smallint) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._take_out_user(IN user_id bigint, IN into_user_id bigint) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._threshold_value(setting text, unit text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer, INOUT error text[]) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer, INOUT error text[]) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._training_limits() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._training_limits() TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._try_attachment(attachment_id smallint) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed._try_attachment(attachment_id smallint) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._undos() FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._user_candidates(ts timestamp with time zone, liked bigint[]) FROM PUBLIC;
GRANT SELECT ON TABLE pgfeed.post_days TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.post_days TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._user_days(user_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._user_history(user_id bigint, ts timestamp with time zone, OUT liked_post_ids bytea, OUT liked_at bytea, OUT viewed_post_ids bytea, OUT viewed_at bytea, OUT hidden_post_ids bytea) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._user_profiles(user_ids bigint[]) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._user_reactions(user_id bigint, ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._user_vector(user_id bigint, ts timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._value_condition(feature text) FROM PUBLIC;
REVOKE ALL ON FUNCTION pgfeed._warn_of_feed(settings jsonb, filter jsonb) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._watch(IN variant text, IN at timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed._watch_partitions(IN parent text, INOUT months timestamp with time zone[], INOUT thin_partitions text[], INOUT token text, INOUT is_busy boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed._watch_partitions(IN parent text, INOUT months timestamp with time zone[], INOUT thin_partitions text[], INOUT token text, INOUT is_busy boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed._without_usage() FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed.activate_model(IN variant text, IN version integer, IN force boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.activate_model(IN variant text, IN version integer, IN force boolean) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.add_feature(IN name text, IN function text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.add_feature(IN name text, IN function text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.arrange_partitions(INOUT move_count integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.arrange_partitions(INOUT move_count integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.ask_for_embedding(IN embedder text, INOUT job_id integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.ask_for_embedding(IN embedder text, INOUT job_id integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.ask_for_training(IN variant text, IN recipe text, IN switch boolean, INOUT job_id integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.ask_for_training(IN variant text, IN recipe text, IN switch boolean, INOUT job_id integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.attach_events(IN relation text, IN user_key text, IN post_key text, IN at text, IN action text, IN target text, IN condition text, IN sync text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.attach_events(IN relation text, IN user_key text, IN post_key text, IN at text, IN action text, IN target text, IN condition text, IN sync text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.attach_posts(IN relation text, IN key text, IN text text, IN topic text, IN created_at text, IN available text, IN features jsonb, IN sync text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.attach_posts(IN relation text, IN key text, IN text text, IN topic text, IN created_at text, IN available text, IN features jsonb, IN sync text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.attach_users(IN relation text, IN key text, IN features jsonb, IN sync text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.attach_users(IN relation text, IN key text, IN features jsonb, IN sync text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.check_features(INOUT problems text[]) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.check_features(INOUT problems text[]) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.conclude_experiment(IN experiment text, IN winner text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.conclude_experiment(IN experiment text, IN winner text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.create_event_partitions(IN from_at timestamp with time zone, IN to_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.create_event_partitions(IN from_at timestamp with time zone, IN to_at timestamp with time zone) TO pgfeed_writer;
GRANT ALL ON PROCEDURE pgfeed.create_event_partitions(IN from_at timestamp with time zone, IN to_at timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.create_experiment(IN experiment text, IN variants text[], IN weights integer[], IN arms text[], IN salt text, IN expected_lift double precision) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.create_experiment(IN experiment text, IN variants text[], IN weights integer[], IN arms text[], IN salt text, IN expected_lift double precision) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.create_feed(IN name text, IN filter text, IN max_per jsonb, IN diversity real, IN boosts jsonb, IN hide_viewed interval, IN fallbacks text[], IN explore text, IN explore_baseline boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.create_feed(IN name text, IN filter text, IN max_per jsonb, IN diversity real, IN boosts jsonb, IN hide_viewed interval, IN fallbacks text[], IN explore text, IN explore_baseline boolean) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.define_action(IN action text, IN sign integer, IN weight real, IN hides boolean, IN undoes text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.define_action(IN action text, IN sign integer, IN weight real, IN hides boolean, IN undoes text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.delete_model(IN variant text, IN version integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.delete_model(IN variant text, IN version integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.describe_model(IN variant text, IN version integer, IN note text, IN tags text[]) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.describe_model(IN variant text, IN version integer, IN note text, IN tags text[]) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.detach(IN relation text, IN action text, IN kind text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.detach(IN relation text, IN action text, IN kind text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.drop_events(IN before timestamp with time zone, INOUT partition_count integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.drop_events(IN before timestamp with time zone, INOUT partition_count integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.drop_experiment(IN experiment text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.drop_experiment(IN experiment text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.drop_exposures(IN before timestamp with time zone, INOUT partition_count integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.drop_exposures(IN before timestamp with time zone, INOUT partition_count integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.drop_feed(IN name text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.drop_feed(IN name text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.erase_user(IN key anyelement) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.erase_user(IN key anyelement) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.erase_user(IN key text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.erase_user(IN key text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.experiment_arm(user_id bigint, experiment text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.experiment_arm(user_id bigint, experiment text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.experiment_arm(user_id bigint, experiment text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.experiment_arm(user_id bigint, experiment text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.experiment_checks(experiment text, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.experiment_checks(experiment text, until timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.experiment_checks(experiment text, until timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.experiment_days(experiment text, attribution interval, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.experiment_days(experiment text, attribution interval, until timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.experiment_days(experiment text, attribution interval, until timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.experiment_report(experiment text, attribution interval, until timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.experiment_report(experiment text, attribution interval, until timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.experiment_report(experiment text, attribution interval, until timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.explain_recommendation(user_id bigint, post_id bigint, ts timestamp with time zone, variant text, feed text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.health() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.health() TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.health() TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.hide_post(IN post_id bigint) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.hide_post(IN post_id bigint) TO pgfeed_writer;
GRANT ALL ON PROCEDURE pgfeed.hide_post(IN post_id bigint) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.merge_users(IN from_key anyelement, IN into_key anyelement) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.merge_users(IN from_key anyelement, IN into_key anyelement) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.merge_users(IN from_key text, IN into_key text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.merge_users(IN from_key text, IN into_key text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.newest_posts(k integer, ts timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.newest_posts(k integer, ts timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.newest_posts(k integer, ts timestamp with time zone) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.newest_posts(k integer, ts timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.off_policy_report(model text, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.off_policy_report(model text, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.off_policy_report(model text, from_at timestamp with time zone, until_at timestamp with time zone, feed text, most bigint, attribution interval) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.popular_posts(k integer, by text, value text, ts timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.popular_posts(k integer, by text, value text, ts timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.popular_posts(k integer, by text, value text, ts timestamp with time zone) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.popular_posts(k integer, by text, value text, ts timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.post_features_as_of(ts timestamp with time zone, post_ids bigint[]) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.post_features_as_of(ts timestamp with time zone, post_ids bigint[]) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.post_id_of(key anyelement) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.post_id_of(key anyelement) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.post_id_of(key anyelement) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.post_id_of(key anyelement) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.post_id_of(key text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.post_id_of(key text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.post_id_of(key text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.post_id_of(key text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.post_key_of(post_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.post_key_of(post_id bigint) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.post_key_of(post_id bigint) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.post_key_of(post_id bigint) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.rank_for(user_key anyelement, post_keys text[], ts timestamp with time zone, variant text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.rank_for(user_key anyelement, post_keys text[], ts timestamp with time zone, variant text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.rank_for(user_key anyelement, post_keys text[], ts timestamp with time zone, variant text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.rank_for(user_key anyelement, post_keys text[], ts timestamp with time zone, variant text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.rank_for(user_key text, post_keys text[], ts timestamp with time zone, variant text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.rank_for(user_key text, post_keys text[], ts timestamp with time zone, variant text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.rank_for(user_key text, post_keys text[], ts timestamp with time zone, variant text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.rank_for(user_key text, post_keys text[], ts timestamp with time zone, variant text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.rank_posts(user_id bigint, post_ids bigint[], ts timestamp with time zone, variant text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.rank_posts(user_id bigint, post_ids bigint[], ts timestamp with time zone, variant text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.rank_posts(user_id bigint, post_ids bigint[], ts timestamp with time zone, variant text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.rank_posts(user_id bigint, post_ids bigint[], ts timestamp with time zone, variant text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.recommend_for(user_key anyelement, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.recommend_for(user_key anyelement, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.recommend_for(user_key anyelement, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.recommend_for(user_key anyelement, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.recommend_for(user_key text, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.recommend_for(user_key text, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.recommend_for(user_key text, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.recommend_for(user_key text, ts timestamp with time zone, k integer, variant text, session text[], candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.recommend_posts(user_id bigint, ts timestamp with time zone, k integer, variant text, session bigint[], candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.recount_days(IN from_day date, IN to_day date, INOUT day_count integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.recount_days(IN from_day date, IN to_day date, INOUT day_count integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.refresh_features(IN as_of timestamp with time zone, INOUT refresh_id bigint) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.refresh_features(IN as_of timestamp with time zone, INOUT refresh_id bigint) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.refresh_recommendations(IN ts timestamp with time zone, IN k integer, IN variant text, IN active_days integer, INOUT batch_id bigint) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.refresh_recommendations(IN ts timestamp with time zone, IN k integer, IN variant text, IN active_days integer, INOUT batch_id bigint) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.remove_action(IN action text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.remove_action(IN action text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.remove_feature(IN name text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.remove_feature(IN name text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.replay_exposure(exposure_id uuid, served_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.replay_exposure(exposure_id uuid, served_at timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.roll_up_events(IN max_days integer, IN from_day date, INOUT day_count integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.roll_up_events(IN max_days integer, IN from_day date, INOUT day_count integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.rollback_model(IN variant text, INOUT version integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.rollback_model(IN variant text, INOUT version integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.search_posts(text text, k integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.search_posts(text text, k integer) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.search_posts(text text, k integer) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.search_posts(text text, k integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.serve_for(user_key anyelement, ts timestamp with time zone, k integer, candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.serve_for(user_key anyelement, ts timestamp with time zone, k integer, candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
REVOKE ALL ON FUNCTION pgfeed.serve_for(user_key text, ts timestamp with time zone, k integer, candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.serve_for(user_key text, ts timestamp with time zone, k integer, candidates text[], exclude text[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
REVOKE ALL ON FUNCTION pgfeed.serve_posts(user_id bigint, ts timestamp with time zone, k integer, candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.serve_posts(user_id bigint, ts timestamp with time zone, k integer, candidates bigint[], exclude bigint[], hide_viewed interval, max_per_topic integer, feed text, after text) TO pgfeed_writer;
REVOKE ALL ON PROCEDURE pgfeed.set_bi_schema(IN name text) FROM PUBLIC;
REVOKE ALL ON PROCEDURE pgfeed.set_schedule(IN variant text, IN train interval, IN train_in text, IN recipe text, IN switch boolean, IN margin real, IN champion_share real, IN champion_time interval) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.set_schedule(IN variant text, IN train interval, IN train_in text, IN recipe text, IN switch boolean, IN margin real, IN champion_share real, IN champion_time interval) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.set_upkeep(IN refresh interval, IN embed boolean, IN recommend interval, IN keep_events interval, IN keep_exposures interval) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.set_upkeep(IN refresh interval, IN embed boolean, IN recommend interval, IN keep_events interval, IN keep_exposures interval) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.similar_posts(post_id bigint, k integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.similar_posts(post_id bigint, k integer) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.similar_posts(post_id bigint, k integer) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.similar_posts(post_id bigint, k integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.similar_users(user_id bigint, k integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.similar_users(user_id bigint, k integer) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.similar_users(user_id bigint, k integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.similar_users_for(user_key anyelement, k integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.similar_users_for(user_key anyelement, k integer) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.similar_users_for(user_key anyelement, k integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.similar_users_for(user_key text, k integer) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.similar_users_for(user_key text, k integer) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.similar_users_for(user_key text, k integer) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.start_experiment(IN experiment text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.start_experiment(IN experiment text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.stop_experiment(IN experiment text) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.stop_experiment(IN experiment text) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.sync_attachments(IN complete boolean) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.sync_attachments(IN complete boolean) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.thresholds() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.thresholds() TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.thresholds() TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.tick(IN at timestamp with time zone, INOUT steps text[]) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.tick(IN at timestamp with time zone, INOUT steps text[]) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.train_model(IN variant text, IN recipe text, IN until date, IN seed integer, INOUT version integer) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.trending_posts(k integer, half_life interval, ts timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.trending_posts(k integer, half_life interval, ts timestamp with time zone) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.trending_posts(k integer, half_life interval, ts timestamp with time zone) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.trending_posts(k integer, half_life interval, ts timestamp with time zone) TO pgfeed_operator;
REVOKE ALL ON PROCEDURE pgfeed.unhide_post(IN post_id bigint) FROM PUBLIC;
GRANT ALL ON PROCEDURE pgfeed.unhide_post(IN post_id bigint) TO pgfeed_writer;
GRANT ALL ON PROCEDURE pgfeed.unhide_post(IN post_id bigint) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.user_id_of(key anyelement) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.user_id_of(key anyelement) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.user_id_of(key anyelement) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.user_id_of(key anyelement) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.user_id_of(key text) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.user_id_of(key text) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.user_id_of(key text) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.user_id_of(key text) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.user_key_of(user_id bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.user_key_of(user_id bigint) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.user_key_of(user_id bigint) TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.user_key_of(user_id bigint) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.warm_up() FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.warm_up() TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.warm_up() TO pgfeed_writer;
GRANT ALL ON FUNCTION pgfeed.warm_up() TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.wilson_high(hits double precision, trials double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.wilson_high(hits double precision, trials double precision) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.wilson_high(hits double precision, trials double precision) TO pgfeed_operator;
REVOKE ALL ON FUNCTION pgfeed.wilson_low(hits double precision, trials double precision) FROM PUBLIC;
GRANT ALL ON FUNCTION pgfeed.wilson_low(hits double precision, trials double precision) TO pgfeed_reader;
GRANT ALL ON FUNCTION pgfeed.wilson_low(hits double precision, trials double precision) TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.posts TO pgfeed_reader;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE pgfeed.posts TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.recommendations TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.recommendations TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.current_recommendations TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.current_recommendations TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.current_recommendations TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.current_recommendations TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.model_activations TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.model_activations TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.active_models TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.active_models TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.feature_refreshes TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.feature_refreshes TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.recommendation_batches TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.recommendation_batches TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.rollup_days TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.rollup_days TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.data_stages TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.data_stages TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.data_stages TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.data_stages TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.experiments TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.experiments TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.experiments TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.experiment_results TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.experiment_results TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.experiment_results TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.experiment_results TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.feed_days TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.feed_days TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.feed_days TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.feed_days TO pgfeed_operator;
GRANT SELECT(pack_id) ON TABLE pgfeed.feature_packs TO pgfeed_operator;
GRANT SELECT(as_of) ON TABLE pgfeed.feature_packs TO pgfeed_operator;
GRANT SELECT(packed_at) ON TABLE pgfeed.feature_packs TO pgfeed_operator;
GRANT SELECT(post_count) ON TABLE pgfeed.feature_packs TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.feeds TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.feeds TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.feeds TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.feeds TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.feeds TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.finished_batches TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.finished_batches TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.finished_batches TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.finished_batches TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.post_features TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.popularity_deciles TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.popularity_deciles TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.popularity_deciles TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.popularity_deciles TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.recommendation_batches TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.recommendation_batches TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.recommendation_lists TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.recommendation_lists TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.recommendation_lists TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.recommendation_lists TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.recommendations TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.recommendations TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.recommended_topics TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.recommended_topics TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.recommended_topics TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.recommended_topics TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.served_days TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.served_days TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.served_days TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.served_days TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.served_ranks TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.served_ranks TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.served_ranks TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.served_ranks TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.served_topics TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.served_topics TO pgfeed_operator;
GRANT SELECT ON TABLE feed_bi.served_topics TO pgfeed_reader;
GRANT SELECT ON TABLE feed_bi.served_topics TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.alembic_version TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.alembic_version TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.alembic_version TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.attachments TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.embedders TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.embedders TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.evaluations TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.evaluations TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.experiment_arms TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.experiment_arms TO pgfeed_writer;
GRANT SELECT ON TABLE pgfeed.experiment_arms TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.exposures TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.ingest_files TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.ingest_rejects TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.jobs TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.jobs TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.model_decisions TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.model_decisions TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.model_versions TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.model_versions TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.place_effects TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.place_effects TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.post_components TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.post_components TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.post_embeddings TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.post_embeddings TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.post_text_features TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.post_vectors TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.post_vectors TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.recommendation_chunks TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.schedules TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.schedules TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.tick_steps TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.tick_steps TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.upkeep TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.upkeep TO pgfeed_operator;
GRANT SELECT ON TABLE pgfeed.user_vectors TO pgfeed_reader;
GRANT SELECT ON TABLE pgfeed.user_vectors TO pgfeed_operator;
