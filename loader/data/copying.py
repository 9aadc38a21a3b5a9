"""Rows in the formats of COPY."""

from collections.abc import Sequence

import numpy as np

from loader.data.checked import Events
from loader.data.values import ACTIONS, LIKED, UNKNOWN

POSTGRES_EPOCH = 946_684_800 * 10**6
ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def text_rows(rows: list[tuple]) -> bytes:
    """Return rows in COPY's text format."""
    lines = ("\t".join("\\N" if v is None else str(v).translate(ESCAPES) for v in row) + "\n" for row in rows)
    return "".join(lines).encode()


def binary_rows(rows: Events, with_line: bool = False, actions: Sequence[str] = ACTIONS) -> bytes:
    """Return events in COPY's binary format; null targets make rows one byte shorter, short names of actions too."""
    words = np.array([action.encode() for action in actions])
    lengths, longest = np.char.str_len(words)[rows.action], words.itemsize
    numbers = [rows.event_at - POSTGRES_EPOCH, rows.user_id, rows.post_id] + [rows.line] * with_line
    layout = [("count", ">i2")]
    for i in range(len(numbers)):
        layout += [(f"length{i}", ">i4"), (f"number{i}", ">i8")]
    layout += [("action_length", ">i4"), ("action", words.dtype), ("target_length", ">i4"), ("target", "u1")]
    table = np.zeros(len(rows.line), layout)
    table["count"] = len(numbers) + 2
    for i, values in enumerate(numbers):
        table[f"length{i}"], table[f"number{i}"] = 8, values
    table["action_length"], table["action"] = lengths, words[rows.action]
    table["target_length"], table["target"] = np.where(rows.target > UNKNOWN, 1, -1), rows.target == LIKED
    cells = table.view(np.uint8).reshape(len(table), table.itemsize)
    if not rows.target.all() or (lengths < longest).any():
        is_sent = np.ones(cells.shape, bool)
        is_sent[:, -1] = rows.target > UNKNOWN
        start = table.dtype.fields["action"][1]
        is_sent[:, start:start + longest] = np.arange(longest) < lengths[:, None]
        cells = cells[is_sent]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + cells.tobytes() + b"\xff\xff"
