"""The body of pgfeed._library: modules of this folder made from texts that the function holds."""

import gc
import sys
from types import ModuleType


def load_modules(texts):
    """Make the modules of a session from their texts by name, in the order of their imports: all of them, or none.

    Older ones of these names are replaced as a whole: what runs in them goes on with its own.
    """
    # PL/Python puts a tab after every line break of a body, in strings too.
    texts = {f"plpy.{name}": text.replace("\n\t", "\n") for name, text in texts.items()}
    older = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("plpy.")}
    is_collecting = gc.isenabled()
    gc.disable()  # a search for garbage in what numpy's import makes takes 5% of a session's first call
    try:
        for name, text in texts.items():
            module = sys.modules[name] = ModuleType(name)
            module.__file__ = name.replace(".", "/") + ".py"
            # PL/Python reports the number of a line less one, as bodies have a line before their first.
            exec(compile(f"\n{text}", module.__file__, "exec"), vars(module))  # noqa: S102
    except BaseException:
        for name in texts:
            sys.modules.pop(name, None)
        sys.modules.update(older)
        raise
    finally:
        if not gc.get_freeze_count():  # else preloaded: to be left as it is
            gc.freeze()
            gc.unfreeze()  # all is old now, and rarely searched
        if is_collecting:
            gc.enable()
