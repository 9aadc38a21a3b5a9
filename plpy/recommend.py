"""recommend_posts: one request scored, the best k posts as rows."""

import numpy as np

from plpy.columns import needs_factors, needs_moment
from plpy.features import clicked_topics, hidden_post_ids, liked_post_ids, request_columns, with_clicks
from plpy.moment import moment_columns
from plpy.ranking import lottery, popularity, rank, score
from plpy.session import current_session

MAX_K = 1000
MORE = 300


class Answer:
    """A request with the scores of all posts of a pack, float64; model and requests, its features: None without one."""

    def __init__(self, state, pack, user, source, scores, model=None, requests=None):
        self.state, self.pack, self.user, self.source, self.scores = state, pack, user, source, scores
        self.model, self.requests = model, requests


def check_arguments(plpy, user_id, ts, k, clicked=None):
    """Raise the one error that says which argument cannot be served."""
    for name, value in (("user_id", user_id), ("ts", ts), ("k", k)):
        if value is None and (name != "user_id" or clicked is None):
            plpy.error(f"{name} is null", hint="Give a user_id, a moment and how many posts.", sqlstate="22004")
    if not 1 <= k <= MAX_K:
        plpy.error(f"k is {k}", hint=f"Ask for 1 to {MAX_K} posts.", sqlstate="22023")


def check_state(session, state, ts, variant):
    """Raise the one error that says why nothing can be served at this moment by this variant."""
    plpy = session.plpy
    if not state["is_finite"]:
        plpy.error(f"ts is {ts}", hint="Give a moment such as now().", sqlstate="22008")
    if state["variant"] is not None and not session.has_variant(state):
        with_model = ", ".join(state["variants"]) or "none yet"
        source = "" if variant is not None else " (the setting pgfeed.default_variant)"
        plpy.error(
            f"there is no variant {state['variant']!r}{source}", hint=f"Variants with a model: {with_model}.",
            sqlstate="22023",
        )
    if state["features_as_of"] is None:
        plpy.error("the features were never refreshed", hint="Run: call pgfeed.refresh_features()", sqlstate="55000")


def answer(session, user_id, ts, variant, post_ids=(), clicked=None):
    """Return the Answer to a request; post_ids are scored even when the catalogue is too large to score whole.

    clicked: ids of posts that were just read, the newest last; None: nothing is known of it.
    """
    state = session.run("state", ts, variant, user_id)[0]
    check_state(session, state, ts, variant)
    pack = session.pack(state)
    user = session.run("users", ts, [user_id], state["is_current"])[0]
    if clicked is not None:
        user = with_clicks(user, clicked, state["moment"])
        if user_id is None:
            clicks = session.run("posts", liked_post_ids(user).tolist())
            user |= clicked_topics([row["topic"] for row in clicks])
    model = None if state["model_id"] is None else session.model(state["model_id"])
    if model is not None and not session.can_use(model, pack):
        model = None
    source = "popular"
    if model is not None:
        source = "model" if user["has_profile"] or user["has_history"] else "cold_start"
    if source == "model":
        return answer_by_model(session, state, pack, user, ts, post_ids, model)
    if state["is_shortlist"]:
        pack = session.with_candidates(state, pack, user, ts, post_ids)
    if state["variant"] == "random":
        return Answer(state, pack, user, "random", lottery(len(pack), user_id or 0, state["moment"]))
    return Answer(state, pack, user, source, popularity(pack))


def answer_by_model(session, state, pack, user, ts, post_ids, model):
    """Return the Answer to a request that a model scores."""
    names = model.feature_names
    if needs_factors(names):
        session.load_factors(state, pack)
    # Neighbours are places in the stored pack.
    if state["is_shortlist"] and not needs_moment(names):
        pack = session.with_candidates(state, pack, user, ts, post_ids, model.encoders)
    requests = request_columns([user], pack, model.encoders, names)
    requests["time.hour"] = np.array([state["hour"]], np.float32)
    requests["time.weekday"] = np.array([state["weekday"]], np.float32)
    if needs_moment(names):
        events = session.events(state, ts, pack)
        session.load_neighbours(state, pack)
        requests |= moment_columns(user, pack, events, state["moment"], state["pack_moment"])
    return Answer(state, pack, user, "model", score(model, pack, requests), model, requests)


def recommend_posts(plpy, user_id, ts, k, variant, clicked=None):
    """Return the k best posts for a user at a moment as rows of pgfeed.recommendation, best first.

    clicked: see with_clicks(); with them user_id may be None.

    Posts that the user liked or hid before ts are left out; fewer rows than k come only from a small catalogue: where a
    shortlist runs dry, the rest of a large one is asked too. Ties go to the smaller post_id. A user without profile and
    history, and every user while the variant has no usable model, gets the posts with the highest decayed like rate.
    The variant popular is that for everybody; the variant random draws by lot.
    """
    check_arguments(plpy, user_id, ts, k, clicked)
    session = current_session(plpy)
    request = answer(session, user_id, ts, variant, clicked=clicked)
    rows = best_rows(session, request, k)
    if len(rows) < k and request.state["is_shortlist"]:
        post_ids = session.post_ids_outside(request, ts, k - len(rows) + MORE)
        request = answer(session, user_id, ts, variant, post_ids, clicked)
        rows = best_rows(session, request, k)
        post_ids = np.setdiff1d(post_ids, request.pack.post_ids)  # a model of the moment scores the shortlist only
        if len(rows) < k and len(post_ids):
            rows += best_rows(session, popular_answer(session, request, post_ids), k - len(rows))
    return [(number, *row) for number, row in enumerate(rows, 1)]


def best_rows(session, request, k):
    """Return the k best posts that are not hidden from the user, best first: rows of
    pgfeed.recommendation without rank.
    """
    state, pack, scores = request.state, request.pack, request.scores
    scores[pack.places(hidden_post_ids(request.user))] = -np.inf
    rows, count = [], k
    while len(rows) < k:
        best = rank(scores, pack.post_ids, count)
        rows = session.run("posts", pack.post_ids[best].tolist())[:k]  # without those that were deleted
        if len(best) < count:
            break
        count *= 2
    score_of = dict(zip(pack.post_ids[best].tolist(), scores[best].tolist()))
    return [
        (
            row["post_id"], row["topic"], row["text"], score_of[row["post_id"]],
            state["variant"], request.source, state["model_version"], state["features_as_of"],
        )
        for row in rows
    ]


def popular_answer(session, request, post_ids):
    """Return an Answer to a request with other posts, ranked by their like rates."""
    pack = session.chosen_pack(request.state["features_as_of"], post_ids, request.pack.topics, request.pack.scale)
    return Answer(request.state, pack, request.user, "popular", popularity(pack))
