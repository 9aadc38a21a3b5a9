create or replace function pgfeed._learning()
returns text
language plpython3u immutable
set search_path = pg_catalog, pg_temp
as $$
import json

texts = {
--!library loader/__init__.py loader/errors.py loader/figures.py loader/metrics.py loader/learning/__init__.py loader/learning/candidates.py loader/learning/catalogue.py loader/learning/child.py loader/learning/feature_names.py loader/learning/features.py loader/learning/impressions.py loader/learning/inside.py loader/learning/model.py loader/learning/recipes.py loader/learning/registry.py loader/learning/requests.py loader/learning/room.py loader/learning/seen.py loader/learning/selection.py loader/learning/split.py loader/learning/train.py loader/learning/training.py loader/learning/recipes/control.toml loader/learning/recipes/negatives.toml loader/learning/recipes/test.toml loader/learning/recipes/test_fresh.toml plpy/model_problems.py
}
# PL/Python puts a tab after every line break of a body, in strings too.
return json.dumps({path: text.replace("\n\t", "\n") for path, text in texts.items()})
$$;

alter function pgfeed._learning() owner to pgfeed_owner;

comment on function pgfeed._learning() is
    'The texts of what pgfeed train runs, by path, as JSON: the process that train_model() starts runs them, so that nothing but '
    'what serving needs is installed on the server';

revoke all on function pgfeed._learning() from public;
grant execute on function pgfeed._learning() to pgfeed_operator;
