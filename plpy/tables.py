"""Scores of many posts for one request by tables over bins of the posts' features, in place of trees.

For one request every split on what belongs to it alone is a constant. What is left of a tree is a table over the bins
of the posts' features: one with j borders has j + 1 bins. The tables of trees that share borders are added up to one
of a group, and in which of its cells a post is stays the same as long as features and model do. Few combinations of
the cells of some groups are in use: these groups are added up once more. Values that depend on both post and request
get their bins at each request.
"""

import numpy as np

from plpy import kernel
from plpy.columns import APPEAL, FRESH_COLUMNS, LARGEST, LIVE_COLUMNS, MATCH_COLUMNS, PAIR_COLUMNS, TOPIC_COLUMNS
from plpy.features import feature_values
from plpy.groups import CELLS, SAMPLED_POSTS, compact, grouped, joint_features, joint_groups

MOST_CELLS, MOST_TOPICS = 8192, 32
MODELS, POSTS_AT_ONCE = 4, 500
GRID, MOST_IN_A_STEP, FEW = 4096, 4, 50
POST, REQUEST, BOTH, TOPIC, POPULARITY = range(5)
BY_POPULARITY = "taste.popularity_like_rate"
BY_TOPIC = {f"user_topic.{column}" for column in TOPIC_COLUMNS}
OF_BOTH = {APPEAL, *MATCH_COLUMNS, *FRESH_COLUMNS, *LIVE_COLUMNS, *PAIR_COLUMNS}


def kind_of(name, topic_count):
    """Return what a feature's value depends on: POST, REQUEST or BOTH; by TOPIC or POPULARITY of a post it has few."""
    if name.startswith(("post.", "text.")):
        return POST
    if name == BY_POPULARITY:
        return POPULARITY
    if name in BY_TOPIC:
        return TOPIC if topic_count < MOST_TOPICS else BOTH
    return BOTH if name in OF_BOTH else REQUEST


class Layout:
    """Joint groups of a pack's posts.

    joint: for each, which cells of its groups make its own, (groups, joint cells), counted through all tables, and in
    which of these each post is. cells: those of the groups whose bins a request makes, by number.
    """

    def __init__(self, tables, cells):
        self.cells = {number: cells[number].copy() for number in tables.both_of}
        self.joint = []
        for numbers in joint_groups([number for number in range(len(cells)) if number not in self.cells], cells):
            code = np.zeros(cells.shape[1], np.intp)
            for number in numbers:
                code = compact(code * (int(cells[number].max()) + 1) + cells[number])
            posts = np.empty(code.max() + 1, np.intp)
            posts[code] = np.arange(len(code))
            self.joint.append((cells[numbers][:, posts] + tables.firsts[numbers][:, None], code))


class Grid:
    """The bins of float32 values between borders, found without a search: in a grid with few borders in a step.

    Where a value is in another step than a border, it is on the same side of it as its step, as rounding is monotone.
    """

    def __init__(self, edges):
        inner = edges[edges > -LARGEST]  # without CatBoost's border between NaN and all numbers
        self.edges, self.low = edges, inner[0] if len(inner) else np.float32(0)
        self.scale = np.float32(GRID / max(float(edges[-1]) - float(self.low), 1e-30))
        steps = self.steps(edges)
        self.below = np.searchsorted(steps, np.arange(GRID + 2))
        count = np.bincount(steps, minlength=GRID + 2)
        self.inside = [
            np.where(count > rank, edges[(self.below + rank).clip(max=len(edges) - 1)], np.float32(np.inf))
            for rank in range(count.max())
        ]

    def steps(self, values):
        """Return the steps of values without NaN."""
        with np.errstate(over="ignore"):
            return ((values - self.low) * self.scale).clip(-1, GRID).astype(np.intp) + 1

    def bins(self, values):
        """Return how many borders are below each value without NaN."""
        if len(self.inside) > MOST_IN_A_STEP:
            return np.searchsorted(self.edges, values)
        steps = self.steps(values)
        bins = self.below.take(steps)
        for borders in self.inside:
            bins += values > borders.take(steps)
        return bins


class Tables:
    """The trees of a model with these feature names, for posts of so many topics.

    edges: float32, the borders of each feature, ascending. groups: in the order of the tables; firsts: the place of
    each one's first cell. buckets: of groups with about as many cells: for each of their trees, (trees, cells), where
    its leaf is if all splits on requests fail, and which of constants() adds to it, and where the trees of each group
    begin; of those without such splits None, None and what bucket() returns. of_tree: the group of each tree, and where
    its leaves by cell begin.
    """

    def __init__(self, trees, names, encoders, topic_count):
        self.trees, self.names, self.encoders, self.topic_count = trees, names, encoders, topic_count
        self.kinds = np.array([kind_of(name, topic_count) for name in names])
        self.sizes = {TOPIC: topic_count + 1, POPULARITY: 2}
        self.code_count = 2 * (topic_count + 1)
        self.edges, ranks = {}, np.empty(len(trees.features), np.int64)
        for feature in np.unique(trees.features).tolist():
            is_its = trees.features == feature
            self.edges[feature], ranks[is_its] = np.unique(trees.borders[is_its], return_inverse=True)
        self.of_both = [feature for feature in self.edges if self.kinds[feature] == BOTH]
        self.grids = {feature: Grid(self.edges[feature]) for feature in self.of_both}
        tree = np.repeat(np.arange(len(trees.counts)), trees.counts)
        weights = 1 << (np.arange(len(tree)) - (np.cumsum(trees.counts) - trees.counts)[tree])
        self.splits = np.stack([trees.features, ranks, tree, weights])
        self.group()
        self.is_small = self.groups[-1].cells <= MOST_CELLS
        if self.is_small:
            self.prepare()
            self.prepare_constants()
        self.kernel = kernel.Kernel(self) if self.is_small and self.of_both and kernel.sum_cells else None

    def fit(self, requests):
        """Return whether posts can be scored for requests with these columns: they are of the same topics."""
        topics = (requests[name].shape[1] for name in BY_TOPIC if name in requests)
        return self.is_small and all(count == self.topic_count + 1 for count in topics)

    def group(self):
        """Make the groups."""
        needs = [({}, {}) for _ in self.trees.counts]
        for feature, rank, tree, _ in self.splits.T.tolist():
            (borders, codes), kind = needs[tree], self.kinds[feature]
            if kind in (POST, BOTH):
                borders[feature] = borders.get(feature, 0) | 1 << rank
            elif kind in self.sizes:
                codes[kind] = self.sizes[kind]
        self.groups = sorted(grouped(needs, self.of_both), key=lambda group: group.cells)
        for group in self.groups:
            group.place()
        self.both_of = {
            number: both for number, group in enumerate(self.groups)
            if (both := [feature for feature in group.dimensions if self.kinds[feature] == BOTH])
        }

    def prepare(self):
        """Make the buckets."""
        sizes = np.array([group.cells for group in self.groups])
        width = np.where(sizes <= CELLS, np.int64(2) ** np.ceil(np.log2(sizes)).astype(int), sizes)
        starts = np.flatnonzero(np.diff(width, prepend=0))
        is_constant = np.ones(len(self.trees.counts), bool)
        is_constant[self.splits[2, np.isin(self.kinds[self.splits[0]], (REQUEST, TOPIC, POPULARITY))]] = False
        self.buckets, self.firsts = [], np.cumsum(width) - width
        self.of_tree = np.empty((2, len(self.trees.counts)), np.intp)
        done = 0
        for start, end in zip(starts, [*starts[1:], len(sizes)]):
            groups = self.groups[start:end]
            leaves, codes = zip(*(self.rows(group, width[start]) for group in groups))
            trees = np.concatenate([group.trees for group in groups])
            counts = [len(group.trees) for group in groups]
            self.of_tree[0, trees] = np.repeat(np.arange(start, end), counts)
            self.of_tree[1, trees] = done + np.arange(len(trees)) * width[start]
            done += len(trees) * width[start]
            leaves, starts = np.concatenate(leaves), np.cumsum([0, *counts[:-1]])
            if is_constant[trees].all():
                self.buckets.append((None, None, self.bucket(self.trees.leaves.take(leaves), starts)))
            else:
                self.buckets.append((leaves, np.concatenate(codes), starts))
        self.prepare_steps()

    def prepare_steps(self):
        """Join the features whose bins a request makes, and make what the bins of some add to a group's cells.

        joined: tuples of features; stacked: for each the groups that it concerns, and what each combination of bins
        adds, uint16 (groups, combinations); steps: the latter by group, with the number of the tuple.
        """
        sizes = {feature: len(self.edges[feature]) + 1 for feature in self.of_both}
        self.joined, self.stacked = joint_features(self.both_of.values(), sizes), []
        self.steps = {number: [] for number in self.both_of}
        for place, joined in enumerate(self.joined):
            numbers = [number for number, features in self.both_of.items() if not set(joined).isdisjoint(features)]
            stack = np.stack([self.joint_steps(self.groups[number], joined) for number in numbers])
            self.stacked.append((numbers, stack))
            for number, steps in zip(numbers, stack):
                self.steps[number].append((place, steps))

    def joint_steps(self, group, features):
        """Return what each combination of bins of some features adds to the number of a group's cell."""
        steps = np.zeros(1, np.uint16)
        for feature in features:
            own = np.zeros(len(self.edges[feature]) + 1, np.uint16)
            if feature in group.dimensions:
                own = self.steps_of(group, feature)
            steps = (steps[:, None] + own).ravel()
        return steps

    def joint_bins(self, bins):
        """Return the combinations of bins of each tuple of joined features, a list; bins: int64, of_both."""
        result, bins = [], dict(zip(self.of_both, bins))
        for joined in self.joined:
            joint = bins[joined[0]]
            for feature in joined[1:]:
                joint = joint * (len(self.edges[feature]) + 1) + bins[feature]
            result.append(joint)
        return result

    def rows(self, group, width):
        """Return the leaves and codes of a group's trees, see buckets."""
        cells = np.arange(width) % group.cells
        code = cells * 0
        for name, stride in group.strides.items():
            code += cells // stride % self.sizes[name] * (2 if name == TOPIC else 1)
        leaves = np.repeat(self.trees.starts[group.trees][:, None], width, axis=1)
        row_of = {tree: row for row, tree in enumerate(group.trees)}
        bins = {feature: cells // stride % (len(ranks) + 1) for feature, (ranks, stride) in group.dimensions.items()}
        for feature, rank, tree, weight in self.splits[:, np.isin(self.splits[2], group.trees)].T.tolist():
            if feature in bins:
                leaves[row_of[tree]] += weight * (bins[feature] > np.searchsorted(group.dimensions[feature][0], rank))
        return leaves, code + self.code_count * np.array(group.trees)[:, None]

    def prepare_constants(self):
        """Make what constants() asks of splits on requests."""
        kind = self.kinds[self.splits[0]]
        self.parts = []
        for kinds in ([REQUEST], [TOPIC, POPULARITY]):
            is_its = np.isin(kind, kinds)
            features, places = np.unique(self.splits[0, is_its], return_inverse=True)
            names = [(self.names[feature], int(self.kinds[feature])) for feature in features.tolist()]
            is_high = self.trees.is_high[self.splits[0, is_its]]
            self.parts.append((names, places, self.trees.borders[is_its], is_high, *self.splits[2:, is_its]))
        self.of_codes = np.unique(self.parts[1][4], return_index=True)

    def constants(self, requests, pack):
        """Return what the outcomes of splits on the only request add to the leaf of each tree, (trees, codes) raveled.

        A code is twice the place of a topic, the last for none, plus 1: popular.
        """
        (names, places, borders, is_high, tree, weights), of_codes = self.parts
        values = np.array([
            feature_values(name, pack, requests, 0, 0) if ":" in name else requests[name][0] for name, _ in names
        ], np.float32)[places]
        bits = (values > borders) | (np.isnan(values) & is_high)
        of_trees = np.bincount(tree, bits * weights, len(self.trees.counts)).astype(np.intp)
        result = np.repeat(of_trees[:, None], self.code_count, axis=1)
        names, places, borders, is_high, tree, weights = of_codes
        if names:
            values = np.array([
                np.repeat(requests[name][0], 2) if kind == TOPIC else np.tile(requests[name][0], self.topic_count + 1)
                for name, kind in names
            ], np.float32)[places]
            bits = (values > borders[:, None]) | (np.isnan(values) & is_high[:, None])
            trees, starts = self.of_codes
            result[trees] += np.add.reduceat(bits * weights[:, None], starts, axis=0)
        return result.ravel()

    def bins(self, feature, values):
        """Return how many of a feature's borders are below each value."""
        is_unknown = np.isnan(values)
        if feature not in self.grids or len(values) < FEW:
            bins = np.searchsorted(self.edges[feature], values)
        elif not is_unknown.any():
            return self.grids[feature].bins(values)
        else:
            bins = self.grids[feature].bins(np.where(is_unknown, np.float32(0), values))
        bins[is_unknown] = len(self.edges[feature]) if self.trees.is_high[feature] else 0
        return bins

    def steps_of(self, group, feature):
        """Return what each of the bins of a feature adds to the number of a group's cell."""
        ranks, stride = group.dimensions[feature]
        return (np.searchsorted(ranks, np.arange(len(self.edges[feature]) + 1)) * stride).astype(np.uint16)

    def cells(self, pack):
        """Return in which cell of each group the posts of a pack are, uint16 (groups, posts).

        Bins that a request makes are 0. A column that the pack lacks is NaN, as Pack.join() has it.
        """
        pack.encode(self.encoders)
        unknown = np.full(len(pack), np.nan, np.float32)
        result, bins = np.zeros((len(self.groups), len(pack)), np.uint16), {}
        codes = {TOPIC: pack.topic_codes % (self.topic_count + 1), POPULARITY: pack.is_popular}
        for feature in self.edges:
            if self.kinds[feature] == POST:
                bins[feature] = self.bins(feature, pack.columns.get(self.names[feature], unknown))
        for cells, group in zip(result, self.groups):
            for feature in group.dimensions:
                if feature in bins:
                    cells += self.steps_of(group, feature).take(bins[feature])
            for code, stride in group.strides.items():
                cells += (codes[code] * stride).astype(np.uint16)
        return result

    def request(self, requests, pack):
        """Return the leaves of the trees by cell and the tables of the groups, flat, float64, for the only request."""
        constants = self.constants(requests, pack)
        buckets = [
            rest if leaf is None else self.bucket(self.trees.leaves.take(leaf + constants.take(code)), rest)
            for leaf, code, rest in self.buckets
        ]
        return tuple(np.concatenate(each) for each in zip(*buckets))

    def bucket(self, leaves, starts):
        """Return the leaves of trees by cell and the tables of groups, flat; starts: the first trees of the groups."""
        return leaves.ravel(), np.add.reduceat(leaves, starts, axis=0).ravel()

    def score(self, pack, requests, values, places=None):
        """Return scores of posts for the only request, float64, within the trees' margin, and what makes them exact.

        places: of the posts, None: all; values: float32 by feature, those of the posts that depend on the request, too.
        """
        leaves, tables = self.request(requests, pack)
        of_posts = [values[feature] for feature in self.of_both]
        if not self.kernel:
            of_posts = self.joint_bins(map(self.bins, self.of_both, of_posts))
        if places is None:
            sums = self.sums(pack, tables, of_posts)
        else:
            sums = self.direct(self.cells_at(pack, places), tables, of_posts)

        def exact(some):
            cells = self.cells_at(pack, some if places is None else places[some])
            bins = [each.take(some) for each in of_posts]
            if self.kernel:
                bins = self.joint_bins(map(self.bins, self.of_both, bins))
            return self.exact(leaves, cells, bins)

        return self.scaled(sums), exact

    def scaled(self, sums):
        """Return scores."""
        return sums * self.trees.scale + self.trees.bias

    def sums(self, pack, tables, of_posts):
        """Return the sums of the tables for all posts of a pack.

        of_posts: their joint bins, or for the kernel values, of_both.
        """
        if self.is_joined(pack):
            result = np.empty(len(pack))
            for part, _, here in pack.parts:
                result[here] = self.sums(part, tables, [each[here] for each in of_posts])
            return result
        if pack.parts or len(pack) < SAMPLED_POSTS or self.kernel:
            return self.direct(self.cells_at(pack), tables, of_posts)
        return self.by_layout(self.kept(pack.layouts, lambda: Layout(self, self.cells_at(pack))), tables, of_posts)

    def by_layout(self, layout, tables, bins):
        """Return the sums for the posts of a layout."""
        result = np.zeros(1)
        for index, cells in layout.joint:
            result = result + tables.take(index).sum(axis=0).take(cells)
        for number, cells in layout.cells.items():
            result = result + self.table(tables, number).take(self.with_bins(number, cells, bins))
        return result

    def direct(self, cells, tables, of_posts):
        """Return the sums for posts in these cells, (groups, posts); of_posts: see sums()."""
        if self.kernel:
            return self.kernel.direct(cells, tables, of_posts)
        result = np.zeros(cells.shape[1])
        for number, each in enumerate(cells):
            result += self.table(tables, number).take(self.with_bins(number, each, of_posts))
        return result

    def table(self, tables, number):
        """Return the table of a group."""
        return tables[self.firsts[number]:self.firsts[number] + self.groups[number].cells]

    def with_bins(self, number, cells, bins):
        """Return in which cells of a group posts are; cells: without the bins that a request makes."""
        for place, steps in self.steps.get(number, ()):
            cells = cells + steps.take(bins[place])
        return cells.astype(np.intp)

    def exact(self, leaves, cells, bins):
        """Return the exact scores of posts in these cells: their leaves are added up as CatBoost does."""
        result = np.empty(cells.shape[1])
        for start in range(0, len(result), POSTS_AT_ONCE):
            some = slice(start, start + POSTS_AT_ONCE)
            full = cells[:, some].astype(np.intp)
            for (numbers, stack), each in zip(self.stacked, bins):
                full[numbers] += stack.take(each[some], axis=1)
            of_trees = leaves.take(full[self.of_tree[0]] + self.of_tree[1][:, None])
            result[some] = self.scaled(np.add.accumulate(of_trees, axis=0, out=of_trees)[-1])
        return result

    def is_joined(self, pack):
        """Return whether the cells of a pack are those of the packs that it was joined from."""
        parts = [part for part, there, _ in pack.parts if there is None]
        return len(parts) > 1 and all(len(part.topics) == self.topic_count for part in parts)

    def cells_at(self, pack, places=None):
        """Return the cells of posts at some places of a pack, None: of all; packs keep them, see cells()."""
        if self.is_joined(pack):
            result = np.empty((len(self.groups), len(pack) if places is None else len(places)), np.uint16)
            for part, _, here in pack.parts:
                if places is None:
                    result[:, here] = self.cells_at(part)
                else:
                    there = np.searchsorted(here, places).clip(max=len(here) - 1)
                    is_its = here[there] == places if len(here) else np.zeros(len(places), bool)
                    result[:, is_its] = self.cells_at(part, there[is_its])
            return result
        if pack.parts and pack.parts[0][1] is not None and len(pack.parts[0][0].topics) == self.topic_count:
            source, there, _ = pack.parts[0]
            return self.cells_at(source, there if places is None else there[places])
        cells = self.kept(pack.cells, lambda: self.cells(pack))
        return cells if places is None else cells[:, places]

    def kept(self, cache, make):
        """Return what a pack keeps for these tables."""
        if self not in cache:
            while len(cache) >= MODELS:
                cache.pop(next(iter(cache)))
            cache[self] = make()
        return cache[self]
