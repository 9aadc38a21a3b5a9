"""Groups of a model's trees, whose tables are added up to one, and of groups whose cells go together."""

import math
from itertools import combinations

import numpy as np

CELLS, CELLS_OF_BOTH = 64, 256
JOINT_CELLS, SAMPLED_POSTS = 512, 2000
JOINT_BINS = 16_384


class Group:
    """Trees that share a table: their numbers, and what makes its cells.

    borders: by feature, those that the trees use, as the bits of an int; codes: TOPIC and POPULARITY, how many there
    are. Then dimensions: the ranks of the borders and the stride by feature; strides: of the codes.
    """

    def __init__(self, tree, borders, codes):
        self.trees, self.borders, self.codes = [tree], dict(borders), dict(codes)
        self.cells = self.cells_with({}, {})

    def cells_with(self, borders, codes):
        """Return how many cells there are with those of another tree."""
        cells = 1
        for feature, bits in self.borders.items():
            cells *= (bits | borders.get(feature, 0)).bit_count() + 1
        for feature, bits in borders.items():
            cells *= 1 if feature in self.borders else bits.bit_count() + 1
        for size in (self.codes | codes).values():
            cells *= size
        return cells

    def accepts(self, other, cells, of_both):
        """Return whether the tree of another group may be added, with which it has so many cells."""
        most = CELLS if of_both.isdisjoint((*self.borders, *other.borders)) else CELLS_OF_BOTH
        of_one = len(self.borders) == 1 and self.borders.keys() == other.borders.keys() and not other.codes
        return cells <= most or cells == self.cells or (of_one and not self.codes)

    def add(self, tree, borders, codes):
        """Add a tree."""
        self.trees.append(tree)
        self.borders |= {feature: bits | self.borders.get(feature, 0) for feature, bits in borders.items()}
        self.codes |= codes
        self.cells = self.cells_with({}, {})

    def place(self):
        """Give each dimension its place in the number of a cell."""
        self.dimensions, self.strides, stride = {}, {}, 1
        for feature, bits in sorted(self.borders.items()):
            ranks = np.flatnonzero([bits >> rank & 1 for rank in range(bits.bit_length())])
            self.dimensions[feature] = ranks, stride
            stride *= len(ranks) + 1
        for code, size in self.codes.items():
            self.strides[code] = stride
            stride *= size


def grouped(needs, of_both):
    """Return Groups of trees; needs: the borders and codes of each; of_both: features whose bins a request makes.

    Where a tree has no more itself, they have at most CELLS cells, or with such features CELLS_OF_BOTH. Each tree, the
    largest first, comes to the group that grows least.
    """
    groups, of_both, alone = [], set(of_both), [Group(tree, *need) for tree, need in enumerate(needs)]
    for tree in sorted(range(len(needs)), key=lambda tree: -alone[tree].cells):
        best, least = None, np.inf
        for group in groups:
            cells = group.cells_with(*needs[tree])
            if cells / group.cells < least and group.accepts(alone[tree], cells, of_both):
                best, least = group, cells / group.cells
        if best is None:
            groups.append(alone[tree])
        else:
            best.add(tree, *needs[tree])
    return groups


def compact(codes):
    """Return codes, int64 from 0, numbered anew: as many as are in use."""
    is_used = np.zeros(codes.max(initial=-1) + 1, bool)
    is_used[codes] = True
    return (np.cumsum(is_used) - 1).take(codes)


def joint_groups(numbers, cells):
    """Return lists of groups, those of a list with at most JOINT_CELLS combinations of cells in use, about."""
    sample = cells[:, ::-(-cells.shape[1] // SAMPLED_POSTS) or 1].astype(np.intp)
    codes = {number: compact(sample[number]) for number in numbers}
    size = {number: int(code.max(initial=0)) + 1 for number, code in codes.items()}
    found = []
    for number in sorted(numbers, key=lambda number: -size[number]):
        best, least = None, np.inf
        for joint in found:
            code = joint[1] * size[number] + codes[number]
            is_used = np.zeros(joint[2] * size[number], bool)
            is_used[code] = True
            count = int(np.count_nonzero(is_used))
            if count <= JOINT_CELLS and count / joint[2] < least:
                best, least = joint, count / joint[2]
        if best is None:
            found.append([[number], codes[number], size[number]])
        else:
            best[0].append(number)
            best[1] = compact(best[1] * size[number] + codes[number])
            best[2] = int(best[1].max(initial=0)) + 1
    return [joint[0] for joint in found]


def joint_features(of_groups, sizes):
    """Return tuples of features: those of one are often in the same groups, and have few combinations of bins.

    of_groups: the features of each group; sizes: how many bins each feature has.
    """
    joined, of_groups = [(feature,) for feature in sizes], [set(features) for features in of_groups]

    def saved(one, other):
        if math.prod(sizes[feature] for feature in (*one, *other)) > JOINT_BINS:
            return 0
        return sum(not features.isdisjoint(one) and not features.isdisjoint(other) for features in of_groups)

    while len(joined) > 1:
        one, other = max(combinations(joined, 2), key=lambda pair: saved(*pair))
        if not saved(one, other):
            break
        joined = [each for each in joined if each not in (one, other)] + [one + other]
    return joined
