"""Which recipe suits a feed: each is fitted on the earlier days of the history, and measured on its last fifth.

A request is a session: what a user viewed on one day, ranked as of the first view. AUC: how well a recipe orders what
was shown, which does not depend on why it was shown. NDCG@10 and HitRate@5: where what was liked stands in the whole
catalogue, which is what the service ranks; a recipe can win there by knowing what is shown. So the recipe with the best
NDCG@10 is taken among those that are not clearly below the best AUC. But what is clearly worse over the catalogue than
a simple rule is of no use, however well it orders what was shown: it is left out before, unless all are.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from psycopg2.extensions import connection as Connection

from loader.errors import PgfeedError
from loader.figures import rounded
from loader.learning import impressions
from loader.learning.candidates import require_usable, train_by
from loader.learning.features import HALF_LIVES
from loader.learning.model import NewModel
from loader.learning.recipes import RECIPES, AnyRecipe
from loader.learning.requests import Request, Scorer, column_scorer, model_scorer, newest_first, prepared, sample
from loader.learning.split import Split, first_held_out, user_share
from loader.learning.split import load as load_split
from loader.metrics import Ranking, bootstrap, places_of, request_aucs
from loader.terminal import progress

MAX_SESSIONS = 500
MAX_VIEWS = 200_000
ONLY_LIKES = "negatives"
NEWEST = "newest first"


@dataclass
class Session:
    """A user's views of one day: the request for those that are liked, at the moment of the first, and all of them."""

    request: Request
    shown: np.ndarray


@dataclass
class Figures:
    """What a method makes of each session, NaN where it has no liked post of the catalogue, or only liked ones."""

    hit_rate: np.ndarray
    ndcg: np.ndarray
    auc: np.ndarray

    def as_dict(self) -> dict[str, float | None]:
        """Return the means."""
        values = {"hit_rate_5": self.hit_rate, "ndcg_10": self.ndcg, "request_auc": self.auc}
        return {name: rounded(mean(value), 4) for name, value in values.items()}


@dataclass
class Standing:
    """A method's NDCG@10 over that of the best rule on the same sessions, with its 95% interval over users."""

    gain: float
    low: float
    high: float


@dataclass
class Selection:
    """What each recipe and rule reaches by name, why others cannot be used, the recipe taken and its reason.

    rules: the best one first; standings: of each method but that.
    """

    figures: dict[str, Figures]
    rules: list[str]
    problems: dict[str, str]
    chosen: str
    reason: str
    session_count: int
    standings: dict[str, Standing] = field(default_factory=dict)

    def as_dict(self) -> dict:
        """Return it for programs."""
        over = {name: {"over_best_rule": vars(standing)} for name, standing in self.standings.items()}
        return {
            "chosen": self.chosen, "reason": self.reason, "session_count": self.session_count,
            "best_rule": self.rules[0] if self.rules else None,
            "methods": {name: figures.as_dict() | over.get(name, {}) for name, figures in self.figures.items()},
            "problems": self.problems,
        }


def mean(values: np.ndarray) -> float | None:
    """Return the mean of what is defined; None if nothing is."""
    return float(np.nanmean(values)) if np.isfinite(values).any() else None


def select(
    connection: Connection, variant: str, tell: Callable[[str], None] = lambda text: None, split: Split | None = None
) -> tuple[AnyRecipe, Selection]:
    """Return the recipe that suits the feed, and what it was chosen by; nothing of the held-out days is looked at.

    tell: is called with what cannot be tried and why, as soon as it is known. split: another one of the days.
    """
    split = validation_split(split or load_split(connection))
    sessions = load_sessions(connection, split)
    if not sessions:
        reason = "no session of the validation days has both a like and a view without one: likes alone teach"
        return RECIPES[ONLY_LIKES], Selection({}, [], {}, ONLY_LIKES, reason, 0)
    problems = Problems(tell)
    usable = {}
    for name, recipe in RECIPES.items():
        with problems.kept(connection, name):
            require_usable(connection, variant, recipe, split)
            usable[name] = recipe
    models = {}
    with progress("recipes, then sessions", len(usable) + 1) as advance:
        for name, recipe in usable.items():
            with problems.kept(connection, name):
                models[name] = train_by(connection, variant, recipe, split=split)
            advance(1)
        if not models:
            causes = "; ".join(f"{name}: {problem}" for name, problem in problems.found.items())
            raise PgfeedError("no recipe can be used", causes, "pgfeed refresh")
        figures = measured(connection, sessions, models)
        advance(1)
    found = selection_of(sessions, figures, list(models), problems.found)
    return usable[found.chosen], found


def selection_of(
    sessions: list[Session], figures: dict[str, Figures], names: list[str], problems: dict[str, str]
) -> Selection:
    """Return what is taken by the figures of recipes and rules; names: of the recipes."""
    users = np.array([session.request.user_id for session in sessions])
    recipes_of, rules = {name: figures[name] for name in names}, [name for name in figures if name not in names]
    best_rule = max(rules, key=lambda name: mean(figures[name].ndcg) or 0)
    chosen = best_of(recipes_of, figures[best_rule], users)
    kept = list(dict.fromkeys((best_rule, NEWEST)))
    standings = {
        name: Standing(*gain(figures[name].ndcg, figures[best_rule].ndcg, users))
        for name in (*names, *kept) if name != best_rule
    }
    reason = reason_of(chosen, best_rule, standings[chosen])
    shown = {name: figures[name] for name in (*names, *kept)}
    return Selection(shown, kept, problems, chosen, reason, len(sessions), standings)


class Problems:
    """Why recipes cannot be used, by name; each is told when it is found."""

    def __init__(self, tell: Callable[[str], None]):
        self.tell, self.found = tell, dict[str, str]()

    @contextmanager
    def kept(self, connection: Connection, name: str) -> Iterator[None]:
        """Keep the error of what is done with a recipe, and go on."""
        try:
            yield
        except PgfeedError as error:
            connection.rollback()
            self.found[name] = str(error)
            self.tell(f"{name} cannot be tried: {error}")


def validation_split(split: Split) -> Split:
    """Return the history split anew: its last fifth validates."""
    history = split.history
    if len(history) < 3:
        raise PgfeedError(
            "there are too few days to choose a recipe on", f"{len(history)} days come before the held-out ones",
            "pgfeed train control",
        )
    return Split(history, first_held_out(history))


def load_sessions(connection: Connection, split: Split) -> list[Session]:
    """Return up to 500 sessions of the validation days with both a like and a view without one, in order of time."""
    share = user_share(sum(split.held_out.values()), MAX_VIEWS)
    sessions = []
    for day in split.held_out:
        user_ids, post_ids, at, _, labels, _ = impressions.load_day(connection, day, share, least_views=2)
        for rows in np.split(np.arange(len(user_ids)), np.flatnonzero(np.diff(user_ids)) + 1):
            liked = labels[rows].astype(bool)
            if liked.any() and not liked.all():
                posts = post_ids[rows]
                request = Request(int(user_ids[rows[0]]), float(at[rows].min()), posts[liked])
                sessions.append(Session(request, posts))
    connection.commit()
    return sample(sorted(sessions, key=lambda each: (each.request.at, each.request.user_id)), MAX_SESSIONS, 0)


def rule_scorers() -> dict[str, Scorer]:
    """Return the rules that a recipe has to beat, exact at the moment."""
    decayed = {
        f"decayed popularity, {words}": column_scorer(f"fresh.like_{name}") for words, name in HALF_LIVES.items()
    }
    return decayed | {NEWEST: newest_first(column_scorer("fresh.age_days"))}


def measured(connection: Connection, sessions: list[Session], models: dict[str, NewModel]) -> dict[str, Figures]:
    """Return what each model and rule makes of each session; what is known at its moment is loaded once for all."""
    scorers = {name: model_scorer(model.booster, model.feature_names, model.encoders) for name, model in models.items()}
    rules = rule_scorers()
    figures = {name: Figures(*(np.full(len(sessions), np.nan) for _ in range(3))) for name in (*scorers, *rules)}
    numbers = {id(session.request): number for number, session in enumerate(sessions)}
    names = {name for model in models.values() for name in model.feature_names}
    for each in prepared(connection, [session.request for session in sessions], "sessions", names):
        request, pack, number = each.request, each.pack, numbers[id(each.request)]
        targets, shown = (places[places >= 0] for places in map(pack.locate, (request.targets, sessions[number].shown)))
        if not len(targets):
            continue
        excluded = np.setdiff1d(each.excluded, targets)
        for name, scorer in rules.items():
            put(figures[name], number, scorer(request, pack, each.columns), targets, shown, excluded)
        for name, scorer in scorers.items():
            scores = scorer(request, pack, each.encoded(models[name].encoders))
            put(figures[name], number, scores, targets, shown, excluded)
    return figures


def put(
    figures: Figures, number: int, scores: np.ndarray, targets: np.ndarray, shown: np.ndarray, excluded: np.ndarray
) -> None:
    """Write what scores of all posts make of one session. targets, shown and excluded are places in the catalogue."""
    ranking = Ranking(np.zeros(1), [places_of(scores, targets, excluded)], np.array([len(targets)])).metrics()
    figures.hit_rate[number], figures.ndcg[number] = ranking["HitRate@5"][0], ranking["NDCG@10"][0]
    figures.auc[number] = request_aucs(scores[shown], np.zeros(len(shown), int), np.isin(shown, targets))[0]


def gain(ours: np.ndarray, theirs: np.ndarray, user_ids: np.ndarray) -> tuple[float, float, float]:
    """Return the mean difference on the same sessions and its 95% interval over users; of what is defined for both."""
    difference = ours - theirs
    is_defined = np.isfinite(difference)
    if not is_defined.any():
        return 0.0, 0.0, 0.0
    return bootstrap(difference[is_defined], user_ids[is_defined])


def best_of(figures: dict[str, Figures], rule: Figures, user_ids: np.ndarray) -> str:
    """Return the name with the best NDCG@10 among those whose AUC is not clearly below the best; ties to the first.

    Those whose NDCG@10 is clearly below that of a rule are left out, unless all are.
    """
    useful = [name for name in figures if gain(figures[name].ndcg, rule.ndcg, user_ids)[2] >= 0] or list(figures)
    leader = max(useful, key=lambda name: mean(figures[name].auc) or 0)
    able = [name for name in useful if gain(figures[name].auc, figures[leader].auc, user_ids)[2] >= 0]
    return max(able, key=lambda name: mean(figures[name].ndcg) or 0)


def reason_of(chosen: str, rule: str, standing: Standing) -> str:
    """Return why the recipe was taken, and whether the best rule is ahead of it over the catalogue."""
    words = "is clear of" if standing.low > 0 else "is clearly worse than" if standing.high < 0 else "is not clear of"
    return (
        f"{chosen} is taken: it has the best NDCG@10 over the catalogue of those that are not clearly worse than the"
        f" best rule and whose AUC is not clearly below the best of them; it {words} the best rule, {rule}"
        f" (NDCG@10 {standing.gain:+.3f}, {standing.low:+.3f} to {standing.high:+.3f})"
    )
