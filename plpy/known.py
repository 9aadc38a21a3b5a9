"""What is known of posts and users as standardised columns: the inputs of preferences."""

import json

import numpy as np

from plpy.columns import CATEGORY_LENGTH, TEXT_COMPONENT, USER_COLUMNS, numbers_of, tags_of

LIMIT = 6.0
MOST_INPUTS, MOST_TOPICS, LEAST = 80, 20, 5
NUMBERS = ("number", "boolean", "date")
PROFILE = tuple(f"user.{column}" for column in USER_COLUMNS[:7])


class Known:
    """Columns of posts or users: inputs name them, mean and deviation scale them.

    An input is [feature], a number, or [feature, value]: whether a category is the value, or one of the tags.
    """

    def __init__(self, inputs, mean, deviation):
        self.inputs, self.mean, self.deviation = inputs, mean, deviation

    @classmethod
    def fit(cls, inputs, values, weights):
        """Return the Known of values, (rows, inputs), as often as the weights say; constant columns are left out."""
        weights = weights[:, None] * np.isfinite(values)
        weights, values = weights / np.maximum(weights.sum(axis=0), 1e-30), np.nan_to_num(values)
        mean = (weights * values).sum(axis=0)
        deviation = np.sqrt((weights * (values - mean) ** 2).sum(axis=0))
        kept = np.flatnonzero(deviation > 1e-4)
        return cls([inputs[i] for i in kept], mean[kept], deviation[kept])

    def standard(self, values):
        """Return float32 (rows, inputs) of mean 0 and deviation 1, at most 6 deviations away; what is unknown is 0."""
        return np.nan_to_num((values - self.mean) / self.deviation).clip(-LIMIT, LIMIT).astype(np.float32)


def post_inputs(pack):
    """Return the inputs that a pack's posts may have, at most 80."""
    inputs = [[name] for name in pack.columns if name.startswith(TEXT_COMPONENT)]
    topics = [[pack.topics[code]] if code >= 0 else [] for code in pack.topic_codes]
    inputs += [["post.topic", topic] for topic in commonest(topics, MOST_TOPICS, 0)]
    inputs += [["post.view_ratio"], ["post.is_popular"]]
    for name, kind in pack.attributes.items():
        if name.startswith("post.") and kind in NUMBERS:
            inputs.append([name])
        elif name in pack.categories:
            codes, values = pack.categories[name]
            lists = [each if isinstance(each, list) else [each] for each in values]
            inputs += [[name, value] for value in commonest([lists[code] for code in codes])]
    return inputs[:MOST_INPUTS]


def post_values(inputs, pack, ratios):
    """Return float64 (posts, inputs). ratios: quantiles of post.view_ratio, so that views become a rank from 0 to 1."""
    values = np.empty((len(pack), len(inputs)))
    for number, (name, *value) in enumerate(inputs):
        if name == "post.topic":
            values[:, number] = pack.topic_codes == (pack.topics.index(*value) if value[0] in pack.topics else -2)
        elif name == "post.view_ratio":
            values[:, number] = np.interp(pack.columns[name], ratios, np.linspace(0, 1, len(ratios)))
        elif name == "post.is_popular":
            values[:, number] = pack.is_popular
        elif value:
            values[:, number] = has_value(pack, name, value[0])
        else:
            values[:, number] = pack.columns.get(name, np.nan)
    return values


def has_value(pack, name, value):
    """Return whether each post's own category, or one of its tags, is a value; NaN: the pack has no such column."""
    if name not in pack.categories:
        return np.nan
    codes, values = pack.categories[name]
    is_value = [value in each if isinstance(each, list) else each == value for each in values]
    return np.array(is_value, float)[codes]


def user_inputs(users, types):
    """Return the inputs that users, rows with a profile, may have, at most 80; types: of own features by name."""
    inputs = []
    for name in [*PROFILE, *(name for name in types if name.startswith("user."))]:
        if name in ("user.age", "user.gender") or types.get(name) in NUMBERS:
            inputs.append([name])
        else:
            inputs += [[name, value] for value in commonest(user_column(name, users, attributes_of(users), types))]
    return inputs[:MOST_INPUTS]


def user_values(inputs, users, types):
    """Return float64 (users, inputs) of rows with a profile; NaN: unknown."""
    values, columns = np.full((len(users), len(inputs)), np.nan), {}
    attributes = attributes_of(users)
    for number, (name, *value) in enumerate(inputs):
        if name not in columns:
            columns[name] = user_column(name, users, attributes, types)
        for row, known in enumerate(columns[name]):
            if known is not None:
                values[row, number] = value[0] in known if value else known
    return values


def attributes_of(users):
    """Return each user's attributes, a dict with numbers as text."""
    rows = [json.loads(user["attributes"] or "{}", parse_int=str, parse_float=str) for user in users]
    return [row if isinstance(row, dict) else {} for row in rows]


def user_column(name, users, attributes, types):
    """Return each user's number, or list of texts: the category or the tags; None: unknown."""
    column = name.partition(".")[2]
    if name in types:
        raw = [each.get(column) for each in attributes]
        if types[name] in NUMBERS:
            return numbers_of(raw, types[name], [user["at"] for user in users]).tolist()
        return [tags_of(each) for each in raw]
    raw = [user[column] for user in users]
    if column in ("age", "gender"):
        return raw
    return [None if each is None else [str(each)[:CATEGORY_LENGTH]] for each in raw]


def commonest(lists, most=10, least_share=0.01):
    """Return the values in most of the lists, the commonest first, that are in 1% of them, and five, at least."""
    counts = {}
    for values in lists:
        for value in values or ():
            if value is not None:
                counts[value] = counts.get(value, 0) + 1
    ordered = sorted(counts, key=lambda value: (-counts[value], value))
    return [value for value in ordered[:most] if counts[value] >= max(least_share * len(lists), LEAST)]
