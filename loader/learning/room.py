"""How much memory a training takes, and whether it may and can have so much."""

import re
from collections.abc import Iterable
from pathlib import Path

from loader.errors import PgfeedError
from loader.learning.catalogue import FEATURES, MAX_REQUESTS
from loader.learning.recipes import AnyRecipe, RequestRecipe
from loader.learning.split import Split
from loader.learning.train import days_of, held_out_days_of

# The libraries, and a row's features while parts are joined and CatBoost has its own: 1,079,000 rows of 36 columns
# could be fitted with 1,000 MB, and not with 900.
BASE_BYTES, BYTES_OF_ROW, BYTES_OF_VALUE = 300 * 2**20, 200, 12
MACHINE = Path("/proc/meminfo")
# Of the container, in the second and the first version of control groups: what it may use, uses, and could give back.
GROUPS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes", "total_inactive_file"),
)
GROUP_FOLDER = Path("/sys/fs/cgroup")
AVAILABLE = re.compile(r"^MemAvailable: +(\d+) kB", re.MULTILINE)


def needed(split: Split, recipe: AnyRecipe) -> int:
    """Return about how many bytes a training by this recipe takes."""
    if isinstance(recipe, RequestRecipe):
        rows, columns = MAX_REQUESTS * (recipe.negatives + 1), len(FEATURES)
    else:
        days, share = days_of(split, recipe)
        days = [*days, *held_out_days_of(split, recipe)]
        rows, columns = round(share * sum(split.views[day] for day in days)), len(recipe.features) + recipe.topic_count
    return BASE_BYTES + rows * (BYTES_OF_ROW + columns * BYTES_OF_VALUE)


def free() -> int | None:
    """Return how many bytes this machine or container has left; None if it does not say."""
    found = [int(kilobytes) * 1024 for kilobytes in AVAILABLE.findall(text_of(MACHINE))]
    for limit, usage, reclaimable in GROUPS:
        most, used = (text_of(GROUP_FOLDER / name).strip() for name in (limit, usage))
        if most.isdigit() and used.isdigit():
            stat = text_of((GROUP_FOLDER / usage).with_name("memory.stat"))
            cached = re.search(rf"^{reclaimable} (\d+)$", stat, re.MULTILINE)
            found.append(int(most) - int(used) + (int(cached[1]) if cached else 0))
    return min(found, default=None)


def text_of(path: Path) -> str:
    """Return what the kernel says in a file, nothing if it has no such file."""
    try:
        return path.read_text(encoding="ascii")
    except OSError:
        return ""


def require(split: Split, recipes: Iterable[AnyRecipe], most: int) -> None:
    """Raise unless the largest of these trainings may take what it needs, and the machine has it."""
    bytes_needed = max(needed(split, recipe) for recipe in recipes)
    what = f"the training needs about {bytes_needed >> 20} MB"
    if bytes_needed > most:
        raise PgfeedError(
            what, f"pgfeed.training_memory allows {most >> 20} MB",
            f"set pgfeed.training_memory = '{(bytes_needed >> 20) + 1}MB', or give a recipe with fewer max_days",
        )
    left = free()
    if left is not None and bytes_needed > left:
        raise PgfeedError(
            what, f"this machine has {left >> 20} MB left",
            "wait for others to end, or train from another machine: pgfeed train VARIANT"
        )
