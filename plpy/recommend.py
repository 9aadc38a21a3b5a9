"""recommend_posts: one request scored, the best k posts as rows."""

import json
from copy import copy

import numpy as np

from plpy.choice import choose, gave_way
from plpy.columns import DAY_SECONDS, needs_catalogue, needs_factors, needs_live, needs_neighbours, needs_preferences
from plpy.explore import explore
from plpy.features import clicked_topics, request_columns, with_clicks
from plpy.fresh import with_fresh_posts
from plpy.live import kinds_of, live_of_request
from plpy.moment import moment_columns
from plpy.outside import gather, most_liked, taste_pack, with_candidates
from plpy.pages import cursor_after, turn_page
from plpy.ranking import Scores, rank, score
from plpy.request import Request
from plpy.seen import KEY as SEEN
from plpy.seen import seen_effects
from plpy.session import UnusableError, current_session
from plpy.without_model import has_own_ranking, is_in_log_odds, ranked_post_ids, scores_without_model

MORE = 300
MOST_OF_FEED = 25_000
MOST_FOR_CAPS = 2_000


class Reply:
    """A request with the Scores of all posts of a pack; those of posts that are no candidates may be -inf.

    model: of the variant, None: none is usable; requests: the features that it scored, None: it did not;
    feed: the named feed that was asked for, None: none.
    """

    def __init__(self, state, pack, user, source, scores, model=None, requests=None):
        self.state, self.pack, self.user, self.source = state, pack, user, source
        self.scores = scores if isinstance(scores, Scores) else Scores(scores)
        self.model, self.requests = model, requests
        self.feed = None


def check_state(session, state, ts, variant):
    """Raise the one error that says why nothing can be served at this moment by this variant."""
    plpy = session.plpy
    if not state["is_finite"]:
        plpy.error(f"ts is {ts}", hint="Give a moment such as now().", sqlstate="22008")
    if state["variant"] is not None and not session.has_variant(state):
        with_model = ", ".join(state["variants"]) or "none yet"
        without = ", ".join(plpy.execute("select pgfeed._variants_without_model() as names")[0]["names"])
        source = "" if variant is not None else " (the setting pgfeed.default_variant)"
        plpy.error(
            f"there is no variant {state['variant']!r}{source}",
            hint=f"Variants with a model: {with_model}; without one: {without}.", sqlstate="22023",
        )
    if state["features_as_of"] is None:
        plpy.error("the features were never refreshed", hint="Run: call pgfeed.refresh_features()", sqlstate="55000")


def reply_to(session, request, post_ids=()):
    """Return the Reply to a request with its feed: of a small catalogue all posts, of a large one the candidates.

    A large one without candidates: post_ids and those of a feed that lets at most MOST_OF_FEED in, which become the
    request's, else its shortlist, the user's own candidates, and post_ids.
    """
    state = session.run("state", request.ts, request.variant, request.user_id)[0]
    if request.model is not None:
        model_id, variant, version = request.model
        state = {**state, "model_id": model_id, "model_version": version, "variants": [variant]}
    check_state(session, state, request.ts, request.variant)
    feed = None
    if request.feed is not None:
        feed = session.feed(request.feed, state)
        if request.hide_viewed is None:
            request.hide_viewed = feed.settings.get("hide_viewed")
        is_small = feed.post_ids is not None and len(feed.post_ids) <= MOST_OF_FEED
        if state["is_shortlist"] and request.candidates is None and is_small:
            request.candidates = np.union1d(feed.post_ids, np.array(post_ids, np.int64))
    reply = scored(session, state, request, post_ids)
    if feed is not None and feed.fallbacks and not is_own(session, reply):
        reply = by_fallback(session, feed, reply.state["variant"], lambda name: scored(
            session, session.run("state", request.ts, name, request.user_id)[0], request, post_ids
        )) or reply
    reply.feed = feed
    return reply


def is_own(session, reply):
    """Return whether a reply is what its variant says of the user, not popular posts in its place."""
    variant = reply.state["variant"]
    if session.is_without_model(variant):
        return has_own_ranking(session, reply.state, reply.user, variant)
    return reply.source == "model"


def by_fallback(session, feed, variant, reply_of):
    """Return the Reply of the first of a feed's fallbacks that is its own, in the name of a variant; None: none is.

    reply_of: gives the Reply of a fallback. One that fails is passed over.
    """
    for name in feed.fallbacks:
        try:
            reply = reply_of(name)
            if is_own(session, reply):
                reply.source, reply.state = name, {**reply.state, "variant": variant}
                return reply
        except session.plpy.SPIError as error:
            feed.warn(session, f"fallback {name}", error)
    return None


def scored(session, state, request, post_ids):
    """Return the Reply to a request, its feed aside."""
    user_id, ts, clicked = request.user_id, request.ts, request.clicked
    stored = with_fresh_posts(session, state, session.pack(state))
    user = session.user(state, ts, user_id)
    if clicked is not None:
        user = with_clicks(user, clicked, state["moment"])
        if user_id is None:
            clicks = session.run("posts", user["liked_post_ids"].tolist())
            user |= clicked_topics([row["topic"] for row in clicks])
    model = None if state["model_id"] is None else session.model(state["model_id"])
    if model is not None and not session.can_use(model, stored):
        model = None
    if model is not None and SEEN in model.encoders:
        session.load_exposures(user, ts)
    source = "popular"
    if model is not None:
        source = "model" if user["has_profile"] or user["has_history"] else "cold_start"
    if source == "model":
        try:
            return reply_by_model(session, state, stored, user, request, post_ids, model)
        except UnusableError as error:
            model, source = session.give_up(model.model_id, error), "popular"
    if model is None and session.is_without_model(state["variant"]):
        source = state["variant"]
    if state["is_shortlist"]:
        post_ids = [*post_ids, *ranked_post_ids(session, source, ts)]
    pack = posts_to_score(session, state, stored, user, request, post_ids)
    scores = scores_without_model(session, state, stored, pack, user, ts, source)
    if is_in_log_odds(source):
        scores = scores + seen_effects(user, pack, model, state["moment"])
    return Reply(state, pack, user, source, scores, model)


def posts_to_score(session, state, stored, user, request, post_ids):
    """Return the pack of all posts that a Reply is about: the stored one is all that a small catalogue has."""
    if not state["is_shortlist"]:
        return stored
    if request.candidates is not None:
        return gather(session, state, stored, request.candidates)
    return with_candidates(session, state, stored, user, request.ts, post_ids)


def reply_by_model(session, state, stored, user, request, post_ids, model):
    """Return the Reply to a request that a model scores."""
    names = model.feature_names
    if needs_factors(names):
        session.load_factors(state, stored)
    if needs_preferences(names):
        session.load_preferences(state, stored)
    stored.encode(model.encoders)
    pack = posts_to_score(session, state, stored, user, request, post_ids)
    taste = taste_pack(session, state, stored, user) if state["is_shortlist"] else pack
    since = (state["moment"] - state["pack_moment"]) / DAY_SECONDS
    requests = request_columns([user], taste, model.encoders, names, since)
    requests["time.hour"] = np.array([state["hour"]], np.float32)
    requests["time.weekday"] = np.array([state["weekday"]], np.float32)
    if needs_neighbours(names):
        session.load_neighbours(state, stored)
    requests |= moments_of(session, state, names, pack, user, stored)
    scores = score(model, pack, requests, places_to_score(request, pack))
    scores += seen_effects(user, pack, model, state["moment"])
    return Reply(state, pack, user, "model", scores, model, requests)


def places_to_score(request, pack):
    """Return the places of a request's candidates, ascending; None: they are most of the pack, and all are scored."""
    if request.candidates is None or 2 * len(request.candidates) > len(pack):
        return None
    return np.unique(pack.places(request.candidates))


def moments_of(session, state, names, pack, user, stored):
    """Return what events since the cut-off make of the posts of a pack; neighbours are places in the stored one."""
    columns = {}
    if needs_catalogue(names):
        moments = state["moment"], state["pack_moment"], names
        of_stored, of_pack = session.events(state, stored, pack)
        others = () if pack is stored else (pack, of_pack)
        columns = moment_columns(user, stored, of_stored, *moments, *others)
    if needs_live(names):
        columns |= live_of_request(pack, session.counts(state, pack, kinds_of(names)), names)
    return columns


def recommend_posts(plpy, *arguments):
    """Return the best posts for a request as rows of pgfeed.recommendation, best first; arguments: see Request.

    Posts that the user liked or hid before ts are left out, and what the request leaves out; fewer rows than k come
    only from a lack of posts: where a shortlist runs dry, or has only posts that a cap forbids, the rest of a large
    catalogue is asked too, the most liked first. Ties go to the smaller post_id. A user without profile and history,
    and every user while the variant has no usable model, gets the posts with the highest decayed like rate. The variant
    popular is that for everybody; the variant random draws by lot. A feed's fallbacks come in their place, and fill a
    list for which its filter leaves too few posts.
    """
    request = Request(*arguments)
    request.check(plpy)
    return answer(plpy, request)[0]


def serve_list(plpy, *arguments):
    """Return the fields of pgfeed.served_list for a request, by name; arguments: see Request."""
    request = Request(*arguments)
    request.check(plpy)
    request.needs_chances = True
    return as_served(*answer(plpy, request))


def list_of_version(plpy, model, exposure, explores):
    """Return what serve_list() does for a row of exposures: by a stored model, its feed exploring or not.

    model: its model_id (negative: as it is evaluated; None: a variant without a model), variant and version.
    exposure: a row with user_id, served_at, feed, arguments as text and post_ids.
    """
    told = json.loads(exposure["arguments"] or "{}")
    request = Request(
        exposure["user_id"], exposure["served_at"], told.get("k", len(exposure["post_ids"])), model[1],
        hide_viewed=told.get("hide_viewed"), max_per_topic=told.get("max_per_topic"), feed=exposure["feed"],
        after=told.get("after"),
    )
    request.check(plpy)
    for name in ("candidates", "exclude"):
        if name in told:
            setattr(request, name, np.sort(np.array(told[name], np.int64)))
    request.model, request.explores, request.needs_chances = model, explores, True
    return as_served(*answer(plpy, request))


def as_served(rows, exploration):
    """Return the fields of pgfeed.served_list by name."""
    if exploration is None:
        return {"rows": rows, "propensities": None, "exploration": None, "seed": None}
    chances = None if exploration.chances is None else exploration.chances.tolist()
    return {"rows": rows, "propensities": chances, "exploration": exploration.policy, "seed": exploration.seed}


def answer(plpy, request):
    """Return the rows of a checked request, and the Exploration of the list; None: its feed does not explore."""
    session = current_session(plpy)
    cursor = turn_page(session, request)
    rest = copy(request)
    reply, rows = listed(session, request)
    exploration = None
    if reply.feed is not None and request.explores:
        page = 0 if cursor is None else len(cursor.shown)
        rows, exploration = explore(session, request, reply, rows, rules_of(request, reply), page)
    if reply.feed is not None and reply.feed.fallbacks and len(rows) < request.k:
        rows = rows + unfiltered(session, rest, reply, rows)
    if not rows:
        return [], None
    cursors = [None] * len(rows)
    cursors[-1] = cursor_after(request, reply.state, [row[0] for row in rows], cursor)
    return [(number, *row, after) for number, (row, after) in enumerate(zip(rows, cursors), 1)], exploration


def unfiltered(session, request, reply, rows):
    """Return rows of pgfeed.recommendation from post_id on that fill a list: a fallback's, without the feed's rules.

    reply, rows: of the list. hide_viewed holds as in the feed.
    """
    chosen = np.array([row[0] for row in rows], np.int64)
    request.exclude = chosen if request.exclude is None else np.concatenate([request.exclude, chosen])
    request.k, request.feed = request.k - len(rows), None
    if request.hide_viewed is None:
        request.hide_viewed = reply.feed.settings.get("hide_viewed")
    found = []

    def reply_of(name):
        request.variant, request.model = name, None
        other, found[:] = listed(session, copy(request))
        return other

    other = by_fallback(session, reply.feed, reply.state["variant"], reply_of)
    return [] if other is None else [
        (*row[:4], other.state["variant"], other.source, *row[6:]) for row in found
    ]


def listed(session, request):
    """Return the last Reply to a request and the rows of its list, see best_rows()."""
    reply = reply_to(session, request)
    rows, full = best_rows(session, request, reply)
    if reply.state["is_shortlist"] and request.candidates is None:
        post_ids = np.empty(0, np.int64)
        while full is not None and (len(rows) < request.k or len(post_ids) <= MOST_FOR_CAPS):
            count = request.k + MORE + len(post_ids)
            more = most_liked(session, request, reply, post_ids, count, full)
            if not len(more) and full and len(rows) < request.k:
                more = most_liked(session, request, reply, post_ids, count, [])
            if not len(more):
                break
            post_ids = np.concatenate([post_ids, more])
            reply = reply_to(session, request, post_ids)
            rows, full = best_rows(session, request, reply)
    return reply, rows


def leave_out(session, request, reply):
    """Give the posts that the user or the request keeps out of the list a score of -inf."""
    pack, scores = reply.pack, reply.scores
    scores[pack.places(reply.user["hidden_post_ids"])] = -np.inf
    if request.candidates is not None:
        is_candidate = np.zeros(len(pack), bool)
        is_candidate[pack.places(request.candidates)] = True
        scores[~is_candidate] = -np.inf
    if request.exclude is not None:
        scores[pack.places(request.exclude)] = -np.inf
    if reply.feed is not None:
        for added in reply.feed.on(pack)["boosts"].values():
            scores += added
        scores[~reply.feed.mask(session, reply.state, request.ts, pack, scores.is_in)] = -np.inf
    if request.hide_viewed is not None:
        scores[pack.places(session.seen_post_ids(request))] = -np.inf


def rules_of(request, reply):
    """Return the caps, the diversity and the posts' vectors for choose()."""
    caps = [] if request.max_per_topic is None else [(reply.pack.topic_codes, request.max_per_topic)]
    if reply.feed is None:
        return caps, 0.0, None
    diversity = reply.feed.settings.get("diversity", 0.0)
    return caps + reply.feed.on(reply.pack)["caps"], diversity, reply.pack.text_vectors if diversity else None


def best_rows(session, request, reply):
    """Return the posts of the list in its order, rows of pgfeed.recommendation from post_id to features_as_of.

    Beside them: None if no other posts are needed, else the topics whose posts would not help: they have their share.
    """
    state, pack, scores, k = reply.state, reply.pack, reply.scores, request.k
    leave_out(session, request, reply)
    rules = rules_of(request, reply)
    best, count = choose(scores, pack.post_ids, k, *rules), k
    rows = session.run("posts", pack.post_ids[best].tolist())
    while len(rows) < len(best):  # some were deleted since the refresh
        count *= 2
        asked = rank(scores, pack.post_ids, count)
        shown = [row["post_id"] for row in session.run("posts", pack.post_ids[asked].tolist())]
        gone = np.setdiff1d(pack.post_ids[np.union1d(asked, best)], [*shown, *(row["post_id"] for row in rows)])
        scores[pack.places(gone)] = -np.inf
        best = choose(scores, pack.post_ids, k, *rules)
        rows = session.run("posts", pack.post_ids[best].tolist())
    score_of = dict(zip(pack.post_ids[best].tolist(), scores[best].tolist()))
    full = None
    if gave_way(best, rules[0]):
        full = full_topics(pack, best, rules[0])
    elif len(rows) < k:
        full = []
    return [
        (
            row["post_id"], row["topic"], row["text"], score_of[row["post_id"]],
            state["variant"], reply.source, state["model_version"], state["features_as_of"],
        )
        for row in rows
    ], full


def full_topics(pack, places, caps):
    """Return the topics of which a list has as many posts as a cap lets it have, or more."""
    most = min((most for codes, most in caps if codes is pack.topic_codes), default=np.inf)
    codes = pack.topic_codes[places]
    counts = np.bincount(codes[codes >= 0], minlength=len(pack.topics))
    return [topic for topic, number in zip(pack.topics, counts) if number >= most]
