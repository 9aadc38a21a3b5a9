"""What users liked before, for the worlds in which that counts."""

import numpy as np


class Memory:
    """Likes as three parallel arrays in order of user and time: user and post as rows, at in days since the first one.

    first: where the likes of the same user on the same day begin.
    """

    def __init__(self, user: np.ndarray, post: np.ndarray, at: np.ndarray):
        order = np.lexsort((at, user))
        self.user, self.post, self.at = user[order], post[order], at[order]
        is_new = np.append(True, (np.diff(self.user) != 0) | (np.diff(np.floor(self.at)) != 0))[:len(order)]
        starts = np.flatnonzero(is_new)
        self.first = np.repeat(starts, np.diff(np.append(starts, len(order))))

    @classmethod
    def empty(cls) -> "Memory":
        return cls(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))

    def __len__(self) -> int:
        return len(self.user)

    def with_likes(self, user: np.ndarray, post: np.ndarray, at: np.ndarray) -> "Memory":
        """Return a memory of some more likes."""
        pairs = (self.user, user), (self.post, post), (self.at, at)
        return Memory(*(np.concatenate(pair) for pair in pairs))

    def before(self, at: float) -> "Memory":
        """Return what was liked before a moment; itself if that is everything."""
        is_before = self.at < at
        return self if is_before.all() else Memory(self.user[is_before], self.post[is_before], self.at[is_before])

    def mine(self, user: int, at: float) -> "Memory":
        """Return what one user liked before a moment."""
        begin, end = np.searchsorted(self.user, (user, user + 1))
        end = begin + np.searchsorted(self.at[begin:end], at)
        return Memory(self.user[begin:end], self.post[begin:end], self.at[begin:end])

    def spans(self, user: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return where each user's likes begin and end."""
        return np.searchsorted(self.user, user), np.searchsorted(self.user, user, side="right")
