"""Recipes from files, and changes of them."""

from dataclasses import replace
from pathlib import Path

import pytest

from loader.errors import PgfeedError
from loader.learning import recipes
from loader.learning.recipes import NAMES, RECIPES, RequestRecipe, as_settings, changed, parse, read, read_text
from loader.learning.train import require_fit
from plpy.columns import LIVE_RATES

SMALL = """
learns_from = "impressions"
features = ["post.like_rate"]
[parameters]
loss_function = "Logloss"
iterations = 9
"""


@pytest.fixture
def own(tmp_path):
    """A function that writes a recipe and reads it, with changes."""
    path = tmp_path / "mine.toml"

    def recipe(text: str, *changes: str):
        path.write_text(text)
        return parse(changed(read(str(path)), changes), "mine")

    return recipe


def test_all_that_come_with_pgfeed_can_be_read_and_written():
    folder = Path(recipes.__file__).parent / "recipes"
    assert list(NAMES) == sorted(path.stem for path in folder.glob("*.toml"))
    for name in NAMES:
        recipe = parse(read(name), name)
        assert parse(as_settings(recipe), name) == recipe
    assert parse(read("negatives"), "negatives") == RequestRecipe(100)
    assert RECIPES["test"].parameters["monotone_constraints"] == {"match.score": 1}


def test_a_text_is_a_recipe_and_no_file_is_read(own, tmp_path):
    assert read_text("control") == read("control")
    assert parse(read_text(SMALL), "mine") == own(SMALL)
    with pytest.raises(PgfeedError, match="there is no recipe '/.*': by name: control, negatives, test"):
        read_text(str(tmp_path / "mine.toml"))
    with pytest.raises(PgfeedError, match="the recipe is no TOML"):
        read_text("a =")


def test_the_recipe_test_fresh_is_test_with_live_like_rates():
    test, fresh = (parse(read(name), name) for name in ("test", "test_fresh"))
    rising = test.parameters["monotone_constraints"] | dict.fromkeys(LIVE_RATES, 1)
    parameters = test.parameters | {"monotone_constraints": rising}
    assert fresh == replace(test, features=[*test.features, *LIVE_RATES], parameters=parameters)


def test_a_recipe_of_ones_own_has_the_usual_days_and_offsets(own):
    recipe = own(SMALL)
    assert (recipe.max_days, recipe.offsets) == (24, ["day", "place", "hour", "user"])
    assert recipe.parameters["iterations"] == 9


def test_settings_and_parameters_change(own):
    recipe = own(SMALL, "depth=5", "parameters.rsm=0.5", "max_days=40", 'offsets=["day"]', "loss_function=YetiRank")
    assert recipe.parameters == {"loss_function": "YetiRank", "iterations": 9, "depth": 5, "rsm": 0.5}
    assert (recipe.max_days, recipe.offsets) == (40, ["day"])
    assert parse(changed(read("negatives"), ("horizon_days=7",)), "negatives") == RequestRecipe(100, 7)
    assert RECIPES["control"].parameters["depth"] == 6


@pytest.mark.parametrize("text, changes, what, cause", [
    ("learns_from = ", [], "is no TOML", "Invalid value"),
    ("max_days = 3", [], "it has no learns_from", "impressions, requests"),
    ('learns_from = "likes"', [], "learns_from is 'likes'", "impressions, requests"),
    ('learns_from = "impressions"', [], "it has no features", "a list of names"),
    (SMALL, ["depht=5"], "depht is neither a setting nor a parameter", "depth"),
    (SMALL, ["depth"], "--set depth changes nothing", "KEY=VALUE"),
    (SMALL, ["max_days=many"], "max_days is 'many'", "a whole number above 1"),
    (SMALL, ["max_days=true"], "max_days is True", "a whole number above 1"),
    (SMALL, ["warm_up_share=1.5"], "warm_up_share is 1.5", "from 0 to below 1"),
    (SMALL, ["depth=17"], "depth is 17", "from 1 to 16"),
    (SMALL, ["depth=deep"], "depth is 'deep'", "from 1 to 16"),
    (SMALL, ["iterations=0"], "iterations is 0", "above 0"),
    (SMALL, ["loss_function=RMSE"], "loss_function is 'RMSE'", "Logloss, YetiRank"),
    (SMALL, ['offsets=["month"]'], "offsets is ['month']", "day, place, hour, user"),
    (SMALL, ['features=["post.like_rate", "post.like_rate"]'], "features is", "each once"),
    (SMALL, ['monotone_constraints={"post.quality" = 1}'], "monotone_constraints names post.quality", "none of its"),
    ('learns_from = "requests"\nmax_days = 3', [], "max_days is no setting of it", "negatives, horizon_days"),
    ('learns_from = "requests"\nnegatives = 0', [], "negatives is 0", "above 0"),
    ('learns_from = "requests"', ["depth=5"], "parameters is no setting of it", "negatives, horizon_days"),
])
def test_what_is_wrong_is_said_in_one_line(own, text, changes, what, cause):
    with pytest.raises(PgfeedError) as raised:
        own(text, *changes)
    assert what in str(raised.value) and cause in str(raised.value) and "\n" not in str(raised.value)


def test_parameters_that_catboost_refuses_are_said_before_anything_is_loaded(own):
    for changes in ([], ["loss_function=YetiRank"], ['monotone_constraints={"post.like_rate" = 1}']):
        require_fit(own(SMALL, *changes), "mine")
    with pytest.raises(PgfeedError, match="recipe mine cannot be used: CatBoost refuses its parameters: .*Bootstrap"):
        require_fit(own(SMALL, "bootstrap_type=None"), "mine")


def test_a_file_that_is_not_there_names_the_recipes_that_are(tmp_path):
    with pytest.raises(PgfeedError, match="No such file.*control, negatives, test"):
        read(str(tmp_path / "none.toml"))


@pytest.mark.parametrize("name", ["monotone_constraints", "feature_weights"])
def test_what_belongs_to_features_is_a_table(own, name):
    with pytest.raises(PgfeedError, match=f"{name} is 5: it is a table of features"):
        own(SMALL, f"{name}=5")


def test_a_name_that_no_file_can_have_is_an_error():
    with pytest.raises(PgfeedError, match="File name too long"):
        read("a" * 300)
