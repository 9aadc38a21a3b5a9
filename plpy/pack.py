"""The posts that may be recommended at a moment, as arrays."""

import json
from functools import cached_property

import numpy as np

from plpy.columns import PREFERENCE_COLUMNS, TEXT_COMPONENT, encode, encode_tags, int8s, tags_of
from plpy.scale import Scale, relative_columns, unpack_relative, view_and_like_counts

FACTORS = 16


class Pack:
    """Posts with their features as of a cut-off, one place each, ascending by post_id.

    post_ids: int64; topics: names; topic_codes: int32, places in topics, -1: none; columns: float32 by feature name;
    scale: what the posts are compared with; is_popular: int64, 1: more views than the mean.
    attributes: the types of the own features of users and posts by name; categories: of those of posts that are
    encoded for a model, by name, int64 codes and the values that they are places in, the last one None.
    On demand: factors, float32 (posts, FACTORS), and gram (FACTORS, FACTORS), see fold_in(); neighbours, see moment;
    preferences, the posts' sides of it, float32 (posts, width), and their appeal without age, see preferences.
    inputs: the matrix that a model scored last, and this model's id. cells, layouts: what Tables made of the posts;
    parts: the packs that it was joined from, each with None and the places here, or taken from, with the places there.
    outside: see outside(). counts: see live.
    settled: see recent. catalogue_count: of all posts, where the stored pack has a shortlist of them, too.
    base: the pack that this one was joined from; joined, fresh: see with_fresh_posts().
    """

    def __init__(self, post_ids, topics, topic_codes, columns):
        self.post_ids, self.topics, self.topic_codes, self.columns = post_ids, topics, topic_codes, columns
        self.scale = self.is_popular = self.factors = self.gram = self.neighbours = None
        self.preferences = self.preference_sides = self.appeal = None
        self.attributes, self.categories, self.encoders = {}, {}, None
        self.inputs, self.is_usable, self.outside = (None, None), {}, {}
        self.cells, self.layouts, self.parts = {}, {}, ()
        self.counts, self.settled = None, (None, None)
        self.base, self.joined, self.fresh = None, (None, None), (np.empty((0, 2), np.int64), None)
        self.catalogue_count = len(post_ids)

    def __len__(self):
        return len(self.post_ids)

    @classmethod
    def unpack(cls, row, scale=None):
        """Return the pack that a row of _post_pack() or of feature_packs holds.

        scale: of the pack that this one is to be joined with, null: its own.
        """
        post_ids = int8s(row["post_ids"])
        names = row["feature_names"]
        matrix = np.frombuffer(row["matrix"], ">f4").astype(np.float32).reshape(len(names), len(post_ids))
        topic_codes = np.frombuffer(row["topic_codes"], ">i4").astype(np.int32)
        pack = cls(post_ids, list(row["topics"]), topic_codes, dict(zip(names, matrix)))
        if row.get("catalogue_count") is not None:
            pack.catalogue_count = row["catalogue_count"]
        if row.get("attributes") is not None:
            pack.take_attributes(json.loads(row["attributes"]))
        relative = None
        if row.get("relative") is not None:
            scale, relative = unpack_relative(row["relative"], len(pack.topics), len(post_ids))
        pack.compare(scale or Scale.of(pack), relative)
        return pack

    def take_attributes(self, attributes):
        """Add types of own features, and take the codes of categories and tags from the columns to be encoded."""
        self.attributes = attributes["types"]
        for name, kind in self.attributes.items():
            if name in self.columns and kind in ("category", "tags"):
                values = attributes["values"].get(name, [])
                if kind == "tags":
                    values = [tags_of(json.loads(value, parse_int=str, parse_float=str)) for value in values]
                codes = np.nan_to_num(self.columns.pop(name), nan=-1).astype(np.int64)
                self.categories[name] = codes, [*values, None]

    def compare(self, scale, relative=None):
        """Add the columns that compare the posts with a catalogue, computed if they are not given."""
        self.scale = scale
        self.is_popular = (view_and_like_counts(self)[0] > scale.mean_views).astype(np.int64)
        self.columns |= relative or relative_columns(self)

    def join(self, other):
        """Return the posts of this pack and another one, which share none: with the columns of this one, NaN where the
        other has none, all categories, and the factors that both have. The topics of one must begin with the other's.
        """
        post_ids = np.concatenate([self.post_ids, other.post_ids])
        order = np.argsort(post_ids)

        def joined(a, b):
            return np.concatenate([a, b])[order]

        unknown = np.full(len(other), np.nan, np.float32)
        names = list(self.columns)
        is_encoded = self.encoders is other.encoders and self.categories.keys() == other.categories.keys()
        if not is_encoded:
            names = [name for name in names if name != "post.topic" and name not in self.categories]
        columns = {name: joined(self.columns[name], other.columns.get(name, unknown)) for name in names}
        topics = max(self.topics, other.topics, key=len)
        pack = Pack(post_ids[order], topics, joined(self.topic_codes, other.topic_codes), columns)
        pack.scale = self.scale if topics is self.topics else other.scale
        pack.gram, pack.attributes = self.gram, {**other.attributes, **self.attributes}
        pack.is_popular = joined(self.is_popular, other.is_popular)
        pack.encoders = self.encoders if is_encoded else None
        for name in {**self.categories, **other.categories}:
            both = (each.categories.get(name, (np.full(len(each), -1), [None])) for each in (self, other))
            codes, values = join_codes(*both)
            pack.categories[name] = codes[order], values
        if self.factors is not None and other.factors is not None:
            pack.factors = joined(self.factors, other.factors)
        if self.preference_sides is not None and other.preference_sides is not None:
            pack.preferences = self.preferences
            pack.preference_sides = joined(self.preference_sides, other.preference_sides)
            pack.appeal = joined(self.appeal, other.appeal)
        pack.catalogue_count = self.catalogue_count
        ranks = np.argsort(order)
        pack.parts = (self, None, ranks[:len(self)]), (other, None, ranks[len(self):])
        return pack

    def take(self, places):
        """Return the posts at these places, which ascend: indices or a mask."""
        columns = {name: values[places] for name, values in self.columns.items()}
        pack = Pack(self.post_ids[places], self.topics, self.topic_codes[places], columns)
        pack.scale, pack.gram, pack.attributes, pack.encoders = self.scale, self.gram, self.attributes, self.encoders
        pack.is_popular, pack.catalogue_count = self.is_popular[places], self.catalogue_count
        pack.categories = {name: (codes[places], values) for name, (codes, values) in self.categories.items()}
        if self.factors is not None:
            pack.factors = self.factors[places]
        if self.preference_sides is not None:
            pack.preferences, pack.preference_sides = self.preferences, self.preference_sides[places]
            pack.appeal = self.appeal[places]
        pack.parts = ((self, np.arange(len(self))[places], None),)
        return pack

    def locate(self, post_ids):
        """Return the places of post_ids, int64, one for each; -1: not in the pack."""
        if not len(self):
            return np.full(len(post_ids), -1)
        if self.place_of is not None:
            low = self.post_ids[0] - 1
            return self.place_of.take(np.minimum(np.maximum(post_ids, low), self.post_ids[-1] + 1) - low)
        places = np.searchsorted(self.post_ids, post_ids)
        places[places == len(self)] = 0
        return np.where(self.post_ids[places] == post_ids, places, -1)

    def places(self, post_ids):
        """Return the places of those post_ids that are in the pack."""
        places = self.locate(post_ids)
        return places[places >= 0]

    def encode(self, encoders):
        """Add the columns post.topic and of the posts' own categories and tags as a model's encoders have them."""
        if self.encoders is encoders:
            return
        codes = encode([*self.topics, None], encoders.get("post.topic", {}))
        self.columns["post.topic"] = codes[self.topic_codes]
        for name, (places, values) in self.categories.items():
            encoded = encode_tags if self.attributes[name] == "tags" else encode
            self.columns[name] = encoded(values, encoders.get(name, {}))[places]
        self.encoders = encoders

    def forget_parts(self):
        """Let go of the packs that this one was made of; what Tables made of them stays."""
        for tables in {tables for part, *_ in self.parts for tables in part.cells}:
            self.cells[tables] = tables.cells_at(self)
        self.parts = ()

    def take_factors(self, blob):
        """Add the posts' vectors and the gram from what pack_factors() packed."""
        self.factors, self.gram = unpack_factors(blob)

    def take_preferences(self, preferences):
        """Add the posts' sides and appeal by Preferences; None: nothing is preferred to anything."""
        appeal, sides = np.zeros(len(self), np.float32), np.zeros((len(self), 1), np.float32)
        if preferences is not None:
            appeal, sides = preferences.of_posts(self)
        self.preferences, self.preference_sides, self.appeal = preferences, sides, appeal

    def appeal_at(self, places, since):
        """Return match.appeal, float32, of posts at places; since: days from the cut-off to the moment of each."""
        appeal = self.appeal[places]
        aging = self.preferences and self.preferences.aging(self.columns["post.age_days"][places] + since)
        return appeal if aging is None else appeal + aging

    @cached_property
    def place_of(self):
        """The place of each id from one below the first to one above the last, int64; None: they are far apart."""
        low, high = int(self.post_ids[0]) - 1, int(self.post_ids[-1]) + 1
        if high - low > 8 * len(self) or low < -(2**62) or high > 2**62:
            return None
        places = np.full(high - low + 1, -1)
        places[self.post_ids - low] = np.arange(len(self))
        return places

    @cached_property
    def like_log_odds(self):
        """Log-odds of a like, float64, from each post's decayed, smoothed like rate."""
        return log_odds(self.columns["post.decayed_like_rate_7d"].astype(np.float64))

    @cached_property
    def text_vectors(self):
        """The text components of the posts at length 1, float32 (posts, components); zeros: no text."""
        columns = [values for name, values in self.columns.items() if name.startswith(TEXT_COMPONENT)]
        vectors = np.nan_to_num(np.stack(columns, axis=1)) if columns else np.zeros((len(self), 1), np.float32)
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return vectors

    def vectors(self, column):
        """Return the posts' side of a match.* feature, float32 (posts, dimensions)."""
        if column in PREFERENCE_COLUMNS:
            return self.preference_sides
        return self.factors if column == "match.factors" else self.text_vectors


def log_odds(rates):
    """Return the log-odds of rates, float64, which are taken to be at least 1e-6 from 0 and 1."""
    rates = rates.clip(1e-6, 1 - 1e-6)
    return np.log(rates / (1 - rates))


def join_codes(first, second):
    """Return the codes and values of two of a pack's categories, one after the other, each value once, None last."""
    place_of = {}
    both = []
    for codes, values in (first, second):
        places = [place_of.setdefault(repr(value), len(place_of)) for value in values[:-1]]
        both.append(np.array([*places, -1], np.int64)[codes])
    values = {repr(value): value for _, values in (first, second) for value in values[:-1]}
    return np.concatenate(both), [*(values[each] for each in place_of), None]


def pack_factors(vectors, gram):
    """Return vectors (posts, FACTORS) and the gram of all posts as bytes: big-endian float4, vector by vector."""
    return np.concatenate([vectors, gram]).astype(">f4").tobytes()


def unpack_factors(blob):
    """Return what pack_factors() packed: the vectors and the gram, float32."""
    vectors = np.frombuffer(blob, ">f4").astype(np.float32).reshape(-1, FACTORS)
    return vectors[:-FACTORS], vectors[-FACTORS:]


def choose_factors(post_ids, all_ids, factors):
    """Return what pack_factors() packed of all posts for some of them, zeros for others; ids: bytes, ascending int64.

    The gram stays that of all posts.
    """
    vectors, gram = unpack_factors(factors)
    post_ids, all_ids = (int8s(ids) for ids in (post_ids, all_ids))
    chosen = np.zeros((len(post_ids), FACTORS), np.float32)
    chosen[np.isin(post_ids, all_ids)] = vectors[np.isin(all_ids, post_ids)]
    return pack_factors(chosen, gram)
