"""HNSW indexes of large catalogues."""

from psycopg2.extensions import connection as Connection

from loader.data.components import COMPONENT_INDEX, COMPONENTS
from loader.server.db import outside_transaction, placed
from loader.terminal import status

INDEX_MEMORY_MB = 4096
INDEX_LINK_BYTES = 900  # measured


def index_name(embedder_id: int) -> str:
    return f"post_embeddings_{embedder_id:d}_hnsw"


def build_index(connection: Connection, embedder_id: int, dimensions: int) -> bool:
    """Index a large catalogue's embeddings by HNSW; return whether there is an index."""
    vector = f"(embedding::public.halfvec({dimensions:d})) public.halfvec_cosine_ops"
    condition = f"embedder_id = {embedder_id:d}"
    return build_hnsw(connection, index_name(embedder_id), "post_embeddings", vector, 2 * dimensions, condition)


def build_component_index(connection: Connection) -> bool:
    """Index a large catalogue's components by HNSW; return whether there is an index."""
    vector = "components public.vector_cosine_ops"
    return build_hnsw(connection, COMPONENT_INDEX, "post_components", vector, 4 * COMPONENTS)


def build_hnsw(
    connection: Connection, name: str, table: str, vector: str, vector_bytes: int, condition: str = ""
) -> bool:
    """Make an index of the rows that meet a condition, if the catalogue is large and it is missing or invalid.

    vector: what is indexed, an expression and its operator class. Users are not blocked. Return whether there is an
    index.
    """
    where = f" where {condition}" if condition else ""
    with connection, connection.cursor() as cursor:
        cursor.execute(f"select count(*), pgfeed._is_large() from pgfeed.{table}{where}")
        count, is_large = cursor.fetchone()
        cursor.execute("select indisvalid from pg_index where indexrelid = to_regclass(%s)", [f"pgfeed.{name}"])
        is_valid = cursor.fetchone()
    if is_valid == (True,) or not is_large:
        return is_valid == (True,)
    with outside_transaction(connection), connection.cursor() as cursor, status(f"indexing {count:,} vectors"):
        cursor.execute(f"drop index if exists pgfeed.{name}")
        # Parallel builds of pgvector before 0.8.2 can overflow.
        cursor.execute("set max_parallel_maintenance_workers = 0")
        # The whole graph in memory, where it fits: many times faster.
        megabytes = min(count * (vector_bytes + INDEX_LINK_BYTES) // 10**6 + 64, INDEX_MEMORY_MB)
        cursor.execute(
            "select set_config('maintenance_work_mem', %s || 'MB', false)"
            " where pg_size_bytes(current_setting('maintenance_work_mem')) < %s * 1048576", [megabytes, megabytes],
        )
        index = f"create index concurrently {name} on pgfeed.{table} using hnsw ({vector}){where}"
        cursor.execute(placed(cursor, index))
        cursor.execute("reset max_parallel_maintenance_workers")
        cursor.execute("reset maintenance_work_mem")
    return True
