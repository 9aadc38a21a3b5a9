"""Memory for the libraries that end a session, or the server with all its sessions, when they get none."""

import os
import sys
from mmap import MAP_PRIVATE, PROT_READ, mmap

NUMPY_MB, BUFFER_MB, CATBOOST_MB, MODEL_MB = 128, 40, 280, 32
WRITTEN_MB = 80


def require_memory(name, megabytes):
    """Raise MemoryError unless the process may grow by so much address space, WRITTEN_MB of it to write to.

    It does not keep it. Strict overcommitting counts only what can be written to, and a library's code cannot.
    """
    written = min(megabytes, WRITTEN_MB)
    try:
        with mmap(-1, written << 20, MAP_PRIVATE), mmap(-1, (megabytes - written << 20) + 1, MAP_PRIVATE, PROT_READ):
            pass
    except OSError:
        raise MemoryError(f"{name} needs {megabytes} MB of address space") from None


def import_numpy():
    """Import numpy with all the memory that OpenBLAS will take: it ends a process that has none for its buffers.

    MemoryError: there is not enough, or there was not when something else imported it, which cannot be done twice: what
    it made in C is still there. OpenBLAS has one thread, unless the server's environment says otherwise.
    """
    if "numpy" not in sys.modules:
        if any(name.startswith("numpy.") for name in sys.modules):
            raise MemoryError("there was too little when this session imported numpy: connect anew")
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        require_memory("numpy", NUMPY_MB)
    else:
        require_memory("numpy", BUFFER_MB)
    import numpy as np

    matrix = np.ones((300, 300), np.float32)
    np.dot(matrix, matrix[0])  # takes the buffer of all later products, which the import did not


import_numpy()
