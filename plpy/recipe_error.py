"""The body of pgfeed._recipe_error: the code that reads recipes for training, from the texts of pgfeed._learning()."""

import json
import sys

CHILD = "loader/learning/child.py"


def _recipe_error(plpy, variant, recipe):
    """Return the message and hint of what is wrong with a recipe by name or as TOML; None: nothing.

    Modules of loader are in the session as long as this runs only.
    """
    texts = json.loads(plpy.execute("select pgfeed._learning() as texts")[0]["texts"])
    child = {"__name__": "child"}
    exec(compile(texts[CHILD], CHILD, "exec"), child)  # noqa: S102
    sys.meta_path.insert(0, child["Texts"](texts))
    try:
        from loader.errors import PgfeedError
        from loader.learning.recipes import name_of, parse, read_text

        try:
            parse(read_text(recipe), name_of(recipe, variant))
        except PgfeedError as error:
            wrong = child["failure"](error)
            return [wrong["what"], f"Next: {wrong['next']}"]
    finally:
        sys.meta_path.pop(0)
        for name in [name for name in sys.modules if name.partition(".")[0] == "loader"]:
            del sys.modules[name]
    return None
