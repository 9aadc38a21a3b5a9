"""The statements that merge users and posts into their tables: later values win where they are not null."""

from loader.data.batches import COLUMNS

TABLE_TYPES = {
    "users": ("bigint", "smallint", "smallint", "text", "text", "smallint", "text", "text"),
    "posts": ("bigint", "text", "text", "timestamptz"),
}


def _merge_statements(kind: str) -> tuple[str, str, str]:
    """Return the statements that stage, count the known ones of, and merge users or posts."""
    names, types = COLUMNS[kind], TABLE_TYPES[kind]
    key, others = names[0], names[1:]
    new = ", ".join(f"coalesce(excluded.{name}, t.{name})" for name in others)
    columns = ", ".join(map(" ".join, zip(names, types)))
    return (
        f"create temp table if not exists ingest_{kind} ({columns}) on commit delete rows",
        f"select count(*) from pg_temp.ingest_{kind} as s join pgfeed.{kind} as t on t.{key} = s.{key}",
        f"""
        insert into pgfeed.{kind} as t ({', '.join(names)})
        select {', '.join(names)} from pg_temp.ingest_{kind} order by {key}
        on conflict ({key}) do update set ({', '.join(others)}) = row({new})
        where ({', '.join('t.' + name for name in others)}) is distinct from ({new})
        returning 1
        """,
    )


MERGE = {kind: _merge_statements(kind) for kind in TABLE_TYPES}
