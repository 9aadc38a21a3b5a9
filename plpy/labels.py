"""What an explained score says in people's words: a label for each feature, and one sentence."""

from copy import copy
from itertools import pairwise

import numpy as np

from plpy.columns import APPEAL, FRESH_TRENDS, HALF_LIFE_HOURS, LIVE_RATES, LIVE_WINDOWS, SCORE, TEXT_COMPONENT
from plpy.features import feature_values
from plpy.fresh import with_fresh_posts
from plpy.known import attributes_of
from plpy.outside import taste_pack
from plpy.recommend import reply_by_model
from plpy.without_model import AGE_OF_THE_UNDATED

MOST_LIKES = 10
LEAST_LIKENESS = 0.3
MORE_THAN_USUAL = 1.2
TITLE_LENGTH = 60
LEAST_SHARE_OF_POSTS = 0.6
UNITS = (("day", 1), ("hour", 1 / 24), ("minute", 1 / 1440))
WINDOWS = {"1h": "hour", "6h": "6 hours", "1d": "day", "3d": "3 days", "7d": "7 days", "30d": "30 days"}


def number(value):
    """Return three digits of a number."""
    return f"{value:.3g}"


def count(value):
    """Return a whole number."""
    return f"{value:,.0f}"


def share(value):
    """Return a share in percent."""
    return f"{100 * value:.3g}%"


def span(days):
    """Return a time in its largest unit, of which it is one at least once it is rounded: 3 hours, 12 days."""
    lower = pairwise(UNITS)
    unit, length = next((each for each, (_, less) in lower if round(days / less) >= round(each[1] / less)), UNITS[-1])
    amount = round(days / length)
    return f"{amount:,} {unit}{'' if amount == 1 else 's'}"


def within(window):
    """Return when the events of a window were."""
    return "ever" if window == "total" else f"in the last {WINDOWS[window]}"


SIGNS = {"#": count, "%": share, "@": span, ".": number}
WORDS: dict = {}


def load_words(plpy):
    """Read what features are called, once."""
    if WORDS:
        return
    for line in plpy.execute("select pgfeed._feature_words() as words")[0]["words"].split("\n")[1:-1]:
        name, _, words = line.partition(" ")
        WORDS[name[1:]] = words, SIGNS[name[0]]
    for action, told in ("view", "views of the post"), ("like", "likes of the post"):
        for name in LIVE_WINDOWS:
            WORDS[f"fresh.{action}_count_{name}"] = f"{told} {within(name)}", count
            WORDS[f"fresh.like_rate_{name}"] = f"likes of the post per view {within(name)}", share
        for name, hours in HALF_LIFE_HOURS.items():
            late = f"{told} of late (half-life {span(hours / 24)})"
            WORDS[f"post.decayed_{action}_count_{name}"] = late, number
            WORDS[f"fresh.{action}_{name}"] = f"{late}, beside the post with the most", share
    for action, few, many in FRESH_TRENDS:
        WORDS[f"fresh.{action}_trend_{few}_{many}"] = f"{action}s {within(few)}, beside those {within(many)}", number


QUALITY = (APPEAL, "post.quality", "post.like_rate", "post.decayed_like_rate_7d", "post.like_count")


def label_of(name, value, reply, place):
    """Return a feature of a post and its value in people's words; a category is named."""
    if name.startswith("("):
        words = name.strip("()")
        return words if value is None else f"{words}: {number(value)}"
    if name.startswith(TEXT_COMPONENT):
        part = name.removeprefix(TEXT_COMPONENT)
        return f"part {part} of what the text says: {known(value, number)}"
    words, form = WORDS.get(name.partition(":")[0], (name.partition(".")[2].replace("_", " "), number))
    words = words.replace("{topic}", name.partition(":")[2] or raw_value("post.topic", reply, place) or "no topic")
    said = raw_value(name, reply, place)
    return f"{words}: {known(value, form) if said is None else said}"


def known(value, form):
    """Return a number in words, which may be unknown."""
    return "unknown" if value is None else form(value)


def raw_value(name, reply, place):
    """Return a category, a date or tags as the application has them; None: the feature is a number."""
    pack, (kind, _, column) = reply.pack, name.partition(".")
    if name == "post.topic":
        return pack.topics[pack.topic_codes[place]] if pack.topic_codes[place] >= 0 else None
    if name in pack.categories:
        codes, values = pack.categories[name]
        value = values[codes[place]]
    elif kind == "user" and pack.attributes.get(name) in ("category", "tags"):
        value = attributes_of([reply.user])[0].get(column)
    elif kind == "user" and isinstance(reply.user.get(column), str):
        value = reply.user[column]
    else:
        return None
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else value


def because(session, request, reply, place, above):
    """Return the sentence that says why a model ranks a post, from the largest reasons of which something is true.

    above: how much more each feature contributes to its score than to those of other posts. A like is named where the
    post's score is lower without it. None: there is nothing simple to say.
    """
    shares = {}
    for name, contribution in above.items():
        for group, part in parts_of(name, contribution, reply, place):
            shares[group] = shares.get(group, 0.0) + part
    said = []
    for group in sorted(shares, key=lambda group: -shares[group]):
        reason = REASONS[group](session, request, reply, place) if shares[group] > 0 and len(said) < 2 else None
        if reason is not None:
            said.append(reason)
    return f"Because {', and '.join(said)}." if said else None


def because_without_model(reply, place):
    """Return the sentence that says why a post is ranked without a model; None: there is nothing to say for it."""
    name, _, detail = reply.source.partition(":")
    score = float(reply.scores[place])
    if name == "random":
        return "Because it was drawn by lot."
    if name == "newest":
        return f"Because the newest come first: it is {span(-score)} old." if -score < AGE_OF_THE_UNDATED else None
    if name == "trending":
        return "Because it is liked more than it used to be." if score > 0 else None
    if name == "popular_by" and score > reply.pack.like_log_odds[place]:
        feature, is_stated, value = detail.removeprefix("user.").partition("=")
        feature = feature.replace("_", " ")
        group = f"{feature} {value}" if is_stated else f"the same {feature}"
        return f"Because those with {group} like it more than others do."
    rates = reply.pack.columns["post.decayed_like_rate_7d"]
    more = share_below(rates, place)
    if more is None or more < LEAST_SHARE_OF_POSTS:
        return None
    return f"Because it has been liked more than {others(more)} of late."


def parts_of(name, contribution, reply, place):
    """Return the groups of reasons that a feature belongs to, and the part of its contribution that is each one's."""
    if name == SCORE:
        parts = [
            ("taste", above_mean("match.preference", reply, place)), ("quality", above_mean(APPEAL, reply, place)),
        ]
        parts = [(group, max(part, 0.0)) for group, part in parts]
        return [(group, contribution * part / (sum(each for _, each in parts) or 1)) for group, part in parts]
    if name in QUALITY or name in ("post.decayed_like_count_7d", "post.decayed_like_count_1d", "post.view_ratio"):
        return [("quality", contribution)]
    if name in ("post.age_days", "fresh.age_days"):
        return [("age", contribution)]
    kind = name.partition(".")[0]
    if name in LIVE_RATES:
        return [("now", contribution)]
    if name == "post.topic" or kind == "user_topic":
        return [("topic", contribution)]
    return [("taste", contribution)] if kind in ("match", "taste", "pair") else []


def values_of(name, reply):
    """Return a feature of all posts, float32, None: neither the posts nor the request have it."""
    if name in reply.pack.columns or name.partition(":")[0] in reply.requests:
        return feature_values(name, reply.pack, reply.requests, slice(None), 0)
    return None


def above_mean(name, reply, place):
    """Return how much more of a feature a post has than the mean of all."""
    values = values_of(name, reply)
    return 0.0 if values is None else float(values[place] - np.nanmean(values))


def more_than(name, reply, place):
    """Return the share of the other posts that have less of a feature; None: it is unknown of this one."""
    values = values_of(name, reply)
    return None if values is None else share_below(values, place)


def share_below(values, place):
    """Return the share of the other values that are below the one at a place; None: there are none, or it is NaN."""
    if np.isnan(values[place]) or len(values) < 2:
        return None
    return float(np.count_nonzero(values < values[place]) / (len(values) - 1))


def ranked(words, names):
    """Return a reason that holds where a post has more of one of these features than most others."""
    def reason(session, request, reply, place):
        shares = [more_than(name, reply, place) for name in names if name in reply.model.feature_names]
        most = max((more for more in shares if more is not None), default=0.0)
        return words + others(most) if most >= LEAST_SHARE_OF_POSTS else None
    return reason


def others(share_of_posts):
    """Return a share of the other posts in words, rounded down."""
    if share_of_posts == 1:
        return "any other post"
    return f"{np.floor(1000 * share_of_posts) / 10:.3g}% of the posts"


def young(session, request, reply, place):
    """Return that a post is new, if it is newer than most."""
    for name in ("fresh.age_days", "post.age_days"):
        more = more_than(name, reply, place)
        if more is not None:
            age = float(values_of(name, reply)[place])
            return f"it is newer than most ({span(age)} old)" if more <= 1 - LEAST_SHARE_OF_POSTS else None
    return None


def liked_topic(session, request, reply, place):
    """Return how the user likes the topic of a post, if more than other topics."""
    topic = raw_value("post.topic", reply, place)
    if topic is None or topic not in (reply.user["topics"] or ()):
        return None
    rate, usual = reply.user["topic_like_rate"][reply.user["topics"].index(topic)], reply.user["like_rate"]
    if usual is None or rate < MORE_THAN_USUAL * usual:
        return None
    return f"you like {share(rate)} of what you see of {topic}, and {share(usual)} of all"


def liked_before(session, request, reply, place):
    """Return the like without which the post's score would be lowest, else that the post suits the user."""
    post_id, title = most_telling_like(session, request, reply, place)
    if post_id is not None:
        return f"you liked {title} (post {post_id})"
    return suits(session, request, reply, place)


suits = ranked("it suits you better than ", ("match.preference", "match.factors", "match.text"))


def most_telling_like(session, request, reply, place):
    """Return the post_id and the title of the like without which a post would have the lowest score; None: none counts.

    Looked at are the MOST_LIKES liked posts whose texts are nearest to the post's, of its topic or with a cosine of
    LEAST_LIKENESS or more; without a like its view stays.
    """
    state, user, pack = reply.state, reply.user, reply.pack
    stored = with_fresh_posts(session, state, session.pack(state))
    known = taste_pack(session, state, stored, user) if state["is_shortlist"] else pack
    places = known.places(user["liked_post_ids"])
    likeness = known.text_vectors[places] @ pack.text_vectors[place]
    is_alike = (likeness >= LEAST_LIKENESS) | (known.topic_codes[places] == pack.topic_codes[place])
    places, likeness = places[is_alike], likeness[is_alike]
    nearest = known.post_ids[places[np.argsort(-likeness, kind="stable")[:MOST_LIKES]]].tolist()
    alone = copy(request)
    alone.candidates = pack.post_ids[[place]]

    def score_of(user):
        other = reply_by_model(session, state, stored, user, alone, (), reply.model)
        return float(other.scores[other.pack.locate(alone.candidates)[0]])

    if not nearest:
        return None, None
    lowest, best = min((score_of(without_like(user, post_id)), post_id) for post_id in nearest)
    if lowest >= score_of(user):
        return None, None
    rows = session.run("posts", [best])
    return (best, title_of(rows[0]["text"])) if rows else (None, None)


def without_like(user, post_id):
    """Return a row of with_history() as if the user had viewed a post, and not liked it."""
    kept = user["liked_post_ids"] != post_id
    return user | {"liked_post_ids": user["liked_post_ids"][kept], "liked_at": user["liked_at"][kept]}


def title_of(text):
    """Return the beginning of a text in quotation marks."""
    first = " ".join((text or "").strip().partition("\n")[0].split())
    if len(first) > TITLE_LENGTH:
        first = (first[:TITLE_LENGTH].rpartition(" ")[0] or first[:TITLE_LENGTH]) + " ..."
    return f"“{first}”" if first else "a post"


REASONS = {
    "taste": liked_before, "topic": liked_topic, "age": young,
    "quality": ranked("it is liked more than ", QUALITY),
    "now": ranked("it is liked now more than ", tuple(LIVE_RATES)),
}
