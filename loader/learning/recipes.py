"""Recipes: how a model is trained, as files of TOML in the folder recipes, or the user's own."""

import pkgutil
import tomllib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from loader.errors import PgfeedError

NAMES = ("control", "negatives", "test", "test_fresh")  # of those that come with pgfeed, in the folder recipes
KIND = "learns_from"
OFFSETS = ("day", "place", "hour", "user")
EXAMPLE = "docs/how-to/train-and-switch-models.md has one"
LOGISTIC = "Logloss"
LOSSES = (LOGISTIC, "YetiRank", "PairLogit", "QuerySoftMax", "QueryRMSE")
MAX_DEPTH = 16  # of CatBoost
# Of CatBoost: what changes the trees, but neither their form nor what else a fit does.
TUNABLE = (
    "loss_function", "iterations", "learning_rate", "depth", "l2_leaf_reg", "random_strength", "border_count",
    "random_seed", "rsm", "subsample", "bootstrap_type", "bagging_temperature", "leaf_estimation_iterations",
    "leaf_estimation_method", "model_shrink_rate", "model_shrink_mode", "boosting_type", "nan_mode",
    "score_function", "monotone_constraints", "feature_weights",
)


@dataclass(frozen=True)
class Recipe:
    """How a model is trained on impressions.

    parameters: of CatBoost. On at most max_days days, the first warm_up_share of the history left out; the last
    validation_share of them stop the fit. offsets: what is the same for all posts of a list and not to be learned.
    topic_count: the user's shares of so many of the largest topics are features.
    """

    features: list[str]
    parameters: dict[str, Any]
    offsets: list[str] = field(default_factory=lambda: list(OFFSETS))
    topic_count: int = 8
    warm_up_share: float = 0.2
    validation_share: float = 0.15
    max_days: int = 24


@dataclass(frozen=True)
class RequestRecipe:
    """How a model is trained on requests for the whole catalogue, see catalogue.train()."""

    negatives: int = 100
    horizon_days: float | None = None


AnyRecipe = Recipe | RequestRecipe
KINDS: dict[str, type[AnyRecipe]] = {"impressions": Recipe, "requests": RequestRecipe}


def is_number(value: object) -> bool:
    """Return whether a value is a number, and no boolean."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def is_count(value: object) -> bool:
    """Return whether a value is a whole number above 0."""
    return isinstance(value, int) and is_number(value) and value > 0


def is_share(value: object) -> bool:
    """Return whether a value is a number from 0 to below 1."""
    return isinstance(value, (int, float)) and is_number(value) and 0 <= value < 1


def is_list_of_text(value: object) -> bool:
    """Return whether a value is a list of different texts."""
    return isinstance(value, list) and all(isinstance(each, str) for each in value) and len(set(value)) == len(value)


CHECKS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "features": (lambda value: is_list_of_text(value) and bool(value), "a list of names of features, each once"),
    "parameters": (lambda value: isinstance(value, dict), "a table of parameters of CatBoost"),
    "offsets": (lambda value: is_list_of_text(value) and set(value) <= set(OFFSETS), f"a list of {', '.join(OFFSETS)}"),
    "topic_count": (lambda value: is_count(value) or (value == 0 and is_number(value)), "a whole number, 0 or more"),
    "warm_up_share": (is_share, "a number from 0 to below 1"),
    "validation_share": (lambda value: is_share(value) and value > 0, "a number between 0 and 1"),
    "max_days": (lambda value: is_count(value) and value > 1, "a whole number above 1"),
    "negatives": (is_count, "a whole number above 0"),
    "horizon_days": (lambda value: is_number(value) and value > 0, "a number above 0"),
}


def text_of(name: str) -> str:
    """Return the text of a recipe that comes with pgfeed."""
    text = pkgutil.get_data("loader.learning", f"recipes/{name}.toml")
    assert text is not None
    return text.decode()


def read(source: str) -> dict:
    """Return what a file says, or that of a recipe by its name; PgfeedError if it cannot be read."""
    path = Path(source)
    if source in NAMES and not path.exists():
        return tomllib.loads(text_of(source))
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        cause = f"{getattr(error, 'strerror', None) or error}; recipes by name: {', '.join(NAMES)}"
        raise PgfeedError(f"cannot read {source}", cause, "name a file or one of these") from error
    return parse_toml(text, source)


def read_text(recipe: str) -> dict:
    """Return what a recipe says, by its name or as the text of one; PgfeedError if it is neither."""
    if recipe in NAMES:
        return tomllib.loads(text_of(recipe))
    if "=" not in recipe:
        raise PgfeedError(
            f"there is no recipe {recipe[:60]!r}", f"by name: {', '.join(NAMES)}", "give one of these, or TOML"
        )
    return parse_toml(recipe, "the recipe")


def parse_toml(text: str, source: str) -> dict:
    """Return what a text says; PgfeedError if it is no TOML. source: what has it."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PgfeedError(f"{source} is no TOML", str(error), EXAMPLE) from error


def changed(settings: dict, changes: tuple[str, ...]) -> dict:
    """Return a recipe's settings with changes such as depth=5 or max_days=40; PgfeedError if one cannot be read.

    A key that is none of a recipe, or begins with parameters., is a parameter of CatBoost.
    """
    settings = settings | {"parameters": dict(settings.get("parameters", {}))}
    for change in changes:
        key, has_value, text = change.partition("=")
        if not has_value or not key:
            raise PgfeedError(f"--set {change} changes nothing", "it has no KEY=VALUE", "--set depth=5")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        if key in CHECKS or key == KIND:
            settings[key] = value
        else:
            settings["parameters"][key.removeprefix("parameters.")] = value
    return settings if settings["parameters"] else {k: v for k, v in settings.items() if k != "parameters"}


def name_of(source: str, variant: str) -> str:
    """Return what a recipe of a variant is called in messages; source: its file or name, or its text."""
    return source if "=" not in source else f"of {variant}"


def parse(settings: dict, source: str) -> AnyRecipe:
    """Return the recipe that settings describe; PgfeedError names the first that is wrong. source: where they stand."""
    if KIND not in settings:
        raise wrong(source, f"it has no {KIND}", f"it is one of: {', '.join(KINDS)}")
    kind = settings[KIND]
    if not isinstance(kind, str) or kind not in KINDS:
        raise wrong(source, f"{KIND} is {kind!r}", f"it is one of: {', '.join(KINDS)}")
    values = {key: value for key, value in settings.items() if key != KIND}
    known = list(KINDS[kind].__dataclass_fields__)
    for key, value in values.items():
        if key not in known:
            raise wrong(source, f"{key} is no setting of it", f"what learns from {kind} has {KIND}, {', '.join(known)}")
        is_right, expected = CHECKS[key]
        if not is_right(value):
            raise wrong(source, f"{key} is {value!r}", f"it is {expected}")
    if kind == "requests":
        return RequestRecipe(**values)
    for key in ("features", "parameters"):
        if key not in values:
            raise wrong(source, f"it has no {key}", f"it is {CHECKS[key][1]}")
    require_parameters(values["parameters"], values["features"], source)
    return Recipe(**values)


def require_parameters(parameters: dict, features: list[str], source: str) -> None:
    """Raise unless CatBoost can be given these parameters."""
    if unknown := [name for name in parameters if name not in TUNABLE]:
        raise wrong(source, f"{unknown[0]} is neither a setting nor a parameter", f"parameters: {', '.join(TUNABLE)}")
    if parameters.get("loss_function") not in LOSSES:
        raise wrong(source, f"loss_function is {parameters.get('loss_function')!r}", f"one of: {', '.join(LOSSES)}")
    if not is_count(parameters.get("iterations")):
        raise wrong(source, f"iterations is {parameters.get('iterations')!r}", "it is a whole number above 0")
    depth = parameters.get("depth", 1)
    if not is_count(depth) or depth > MAX_DEPTH:
        raise wrong(source, f"depth is {depth!r}", f"it is a whole number from 1 to {MAX_DEPTH}")
    for name in ("monotone_constraints", "feature_weights"):
        if not isinstance(parameters.get(name, {}), dict):
            raise wrong(source, f"{name} is {parameters[name]!r}", "it is a table of features")
        if missing := [each for each in parameters.get(name, {}) if each not in features]:
            raise wrong(source, f"{name} names {missing[0]}", "it is none of its features")


def wrong(source: str, what: str, cause: str) -> PgfeedError:
    """Return the error about a setting of a recipe."""
    return PgfeedError(f"the recipe {source} cannot be used: {what}", cause, EXAMPLE)


def as_settings(recipe: AnyRecipe) -> dict:
    """Return what parse() makes the recipe of."""
    kind = next(name for name, made in KINDS.items() if isinstance(recipe, made))
    return {KIND: kind} | {key: value for key, value in asdict(recipe).items() if value is not None}


def shipped(name: str) -> AnyRecipe:
    """Return a recipe that comes with pgfeed."""
    return parse(tomllib.loads(text_of(name)), name)


RECIPES = {name: shipped(name) for name in NAMES}


def recipe_of(variant: str) -> Recipe:
    """Return the recipe of impressions that comes with pgfeed under a variant's name; PgfeedError if there is none."""
    recipe = RECIPES.get(variant)
    if not isinstance(recipe, Recipe):
        known = ", ".join(name for name, each in RECIPES.items() if isinstance(each, Recipe))
        raise PgfeedError(f"there is no recipe of impressions for variant {variant!r}", f"known: {known}",
                          f"pgfeed train {variant} --recipe control")
    return recipe
