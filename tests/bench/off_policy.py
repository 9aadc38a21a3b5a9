"""Whether off-policy estimates hold, against the truth: `./run bench off_policy [--trials 200] [--lists 50000]`.

Each trial draws users of a simulated population with the probabilities of a like known, their lists by the real
exploration policy, and the likes. A version that was not served is judged from them by the real estimators. Its scores
are the truth with errors of its own, and partly those of the served one, as two models of one recipe have them.
"""

import argparse
from dataclasses import dataclass

import numpy as np

from loader.terminal import out, progress, table
from plpy.choice import choose
from plpy.explore import LISTS, SHARES, choices, draw, explored, others_of, seed_of
from plpy.off_policy import NORMAL_95, Trial, judged
from plpy.preferences import sigmoid

PEOPLE, LISTS_OF_A_USER = 2000, 20
POSTS, K = 400, 5
EFFECTS = np.linspace(1.3, 0.9, K)
RATE, SPREAD = -2.6, 0.45
RULES = [], 0.0, None


@dataclass
class Person:
    """What a user is served without exploration, what else may come, with which chances, and what is true.

    order: places in the catalogue of the list, then of the others; chances, see choices(); likes: the probabilities in
    the mean place; wanted: places in order of the version's list, -1: it cannot come; all_likes, scores: of that list.
    """

    order: np.ndarray
    chances: np.ndarray
    likes: np.ndarray
    wanted: np.ndarray
    all_likes: np.ndarray
    scores: np.ndarray

    @property
    def truth(self) -> float:
        """The likes to be expected of a list of the version."""
        return float((self.all_likes * EFFECTS).sum())


def people(seed: int, shared: float, error: float) -> list[Person]:
    """Return a population; shared: which share of the errors' variance the two models have in common."""
    random = np.random.default_rng(seed)
    post_ids, quality = np.arange(1, POSTS + 1), random.normal(0, SPREAD, POSTS)
    deviation = np.where(random.random(POSTS) < 0.1, 0.4, 0.12)
    found = []
    both = random.normal(0, error * np.sqrt(shared), POSTS)
    of_served, of_version = random.normal(0, error * np.sqrt(1 - shared), (2, POSTS))
    for _ in range(PEOPLE):
        true = RATE + random.normal(0, 0.3) + quality + random.normal(0, SPREAD / 2, POSTS)
        blur = random.normal(0, error / 2, POSTS)
        served, version = true + both + of_served + blur, true + both + of_version + blur
        listed, wanted = choose(served, post_ids, K), choose(version, post_ids, K)
        others, is_near = others_of(served, post_ids, deviation, listed)
        drawn = draw(served, deviation, post_ids, others, seed_of("bench", seed))
        chances = choices(drawn, listed, others, is_near, RULES)
        order, likes = np.append(listed, others), sigmoid(true)
        place_of = {post: place for place, post in enumerate(order.tolist())}
        places = np.array([place_of.get(post, -1) for post in wanted.tolist()])
        found.append(Person(order, chances, likes[order], places, likes[wanted], version[wanted]))
    return found


def trial(population: list[Person], share: float, lists: int, seed: int) -> Trial:
    """Return lists of users drawn at random, each with LISTS_OF_A_USER lists, and the likes that luck gave them."""
    random = np.random.default_rng(seed)
    drawn = random.integers(len(population), size=lists // LISTS_OF_A_USER)
    count = len(drawn) * LISTS_OF_A_USER
    posts, targets = np.empty((2, count, K), np.int64)
    chances, chance_of_like = np.empty((count, K, K)), np.empty((count, K))
    seeds = random.integers(2**63, size=count)
    for number, seed_of_list in enumerate(seeds.tolist()):
        person = population[drawn[number // LISTS_OF_A_USER]]
        posts[number], chances[number] = explored(person.chances, share, seed_of_list)
        is_target = posts[number][:, None] == person.wanted
        targets[number] = np.where(is_target.any(axis=1), is_target.argmax(axis=1), -1)
        chance_of_like[number] = person.likes[posts[number]] * EFFECTS
    likes = (random.random((count, K)) < chance_of_like).astype(np.int64)
    of_lists, of_places = np.repeat(np.arange(count), K), np.tile(np.arange(K), count)
    shown = of_lists, of_places, likes.ravel(), targets.ravel(), chances.reshape(-1, K)
    scores = np.concatenate([population[each].scores for each in np.repeat(drawn, LISTS_OF_A_USER)])
    return Trial(np.repeat(np.arange(len(drawn)), LISTS_OF_A_USER), shown, (of_lists, of_places, scores), EFFECTS)


def line(name: str, estimates: list[tuple[float, float]], truth: float) -> tuple[str, ...]:
    """Return a line of the table from the values and standard errors of an estimator."""
    value, error = np.array(estimates).T
    apart, width = np.abs(value - truth), NORMAL_95 * error
    return (
        name, f"{value.mean():.4f}", f"{np.median(apart) / truth:.1%}", f"{value.mean() / truth - 1:+.1%}",
        f"{(apart <= width).mean():.1%}", f"{2 * width.mean() / truth:.1%}",
    )


def alike(population: list[Person]) -> str:
    """Return how far the version's lists are from those that are served."""
    wanted = np.array([person.wanted for person in population])
    could_be = [[place >= 0 and (place < K or person.chances[:, place].any()) for place in person.wanted.tolist()]
                for person in population]
    return (f"the version has {(wanted == np.arange(K)).mean():.0%} of the places as served,"
            f" {((wanted >= 0) & (wanted < K)).mean():.0%} of its posts are in the served list,"
            f" {np.mean(could_be):.1%} could be shown")


def main() -> None:
    """Print how far the estimates are from the truth."""
    parser = argparse.ArgumentParser(prog="./run bench off_policy")
    parser.add_argument("--trials", type=int, default=200)
    parser.add_argument("--lists", type=int, default=50_000)
    parser.add_argument("--explore", choices=SHARES, default="normal")
    parser.add_argument("--shared", type=float, default=0.7, help="of the two models' errors")
    parser.add_argument("--error", type=float, default=0.3, help="deviation of a model's scores from the truth")
    given = parser.parse_args()
    population = people(0, given.shared, given.error)
    truth = float(np.mean([person.truth for person in population]))
    served = float(np.mean([(person.likes[:K] * EFFECTS).sum() for person in population]))
    share = min(SHARES[given.explore], LISTS / K)
    found: dict[str, list[tuple[float, float]]] = {}
    refused, sizes, supports = 0, [], []
    with progress("trials", given.trials) as advance:
        for number in range(given.trials):
            estimates, size, support, refusal = judged(trial(population, share, given.lists, number + 1))
            refused += refusal is not None
            sizes.append(size)
            supports.append(support)
            for name, estimate in estimates.items():
                found.setdefault(name, []).append(estimate)
            advance(1)
    logged = np.mean([value for value, _ in found.pop("logged")])
    headers = ["estimator", "mean", "median error", "bias", "95% interval holds", "its width"]
    title = f"{given.trials} trials of {given.lists:,} lists of {K}, {given.explore}: {truth:.4f} likes a list are true"
    out.print(table(title, headers, [line(name, each, truth) for name, each in found.items()], headers[1:]))
    out.print(
        f"Served without exploration: {served:.4f}; with: {logged:.4f} ({logged / served - 1:+.2%}); "
        f"{alike(population)}.\n"
        f"Mean support {np.mean(supports):.3f}, effective size {np.mean(sizes):,.0f}; refused {refused}.",
        soft_wrap=True,
    )


if __name__ == "__main__":
    main()
