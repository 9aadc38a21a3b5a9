"""What the server says, in the words of the command line."""

import os
import re

VERBS = [
    (re.compile(r"(?:call pgfeed\.)?refresh_features\(\)|call pgfeed\.roll_up_events\(\)"), "./run refresh"),
    (re.compile(r"call pgfeed\.(start|stop|drop)_experiment\('(\w+)'\)"), r"./run experiment \1 \2"),
    (re.compile(r"select [a-z_, ]+ from pgfeed\.experiments\b"), "./run experiment list"),
    (re.compile(r"\bpgfeed embed\b"), "./run embed"),
    (re.compile(r"(?<=See: )select [^\"]+ from pgfeed\.[^\"]+$"), r'./run psql -c "\g<0>"'),
]
VERB = re.compile(r"(?<![\w/.])\./run(?= )")
STATEMENT = re.compile(r"(alter|call|grant|reindex|rollback|select) ")
SPECIAL = re.compile(r'[\\"$`]')
PREFIX = re.compile(r"(plpy\.Error|spiexceptions\.\w+): ")
BATCH = re.compile(r"call pgfeed\.refresh_recommendations\(([^()]*)\)")
ARGUMENT = re.compile(r"(\w+) => (?:'([^']*)'|(\w+))")
OPTIONS = {"ts": "--at", "k": "-k", "variant": "--variant", "active_days": "--active"}


def plain(message: str) -> str:
    """Return a message without what PL/Python puts before those of its functions."""
    return PREFIX.sub("", message)


def as_verbs(text: str) -> str:
    """Return a text with ./run verbs in place of the SQL that they stand for."""
    for pattern, verb in VERBS:
        text = pattern.sub(verb, text)
    return BATCH.sub(batch, text)


def as_command(remedy: str) -> str:
    """Return a remedy as a person types it in a shell: each statement that no verb stands for by psql."""
    parts = as_verbs(remedy).split("; ")
    statements = [part for part in parts if STATEMENT.match(part)]
    if statements:
        psql = " ".join(["./run psql", *(f'-c "{escaped(part)}"' for part in statements)])
        parts = [psql, *(part for part in parts if part not in statements)]
    return "; ".join(parts)


def grant(role: str, user: str) -> str:
    """Return what gives a user the rights of a role of pgfeed."""
    name = user if re.fullmatch("[a-z_][a-z0-9_]*", user) else '"' + user.replace('"', '""') + '"'
    return "as an administrator, " + as_command(f"grant {role} to {name}")


def escaped(text: str) -> str:
    """Return a text as it stands between double quotes of a shell."""
    return SPECIAL.sub(r"\\\g<0>", text)


def here(text: str) -> str:
    """Return a text whose ./run commands name the database that they were asked for, if it is not the default one."""
    database = os.environ.get("PGFEED_DATABASE", "pgfeed")
    if database in ("", "pgfeed") or os.environ.get("PGFEED_DSN"):
        return text
    return VERB.sub(f"PGFEED_DATABASE={database} ./run", text)


def batch(call: re.Match) -> str:
    """Return the verb that does what a call of refresh_recommendations() does."""
    words = ["./run recommend --batch"]
    for name, text, word in ARGUMENT.findall(call[1]):
        if word.lower() != "null":
            words.append(f"{OPTIONS[name]} {repr(text) if ' ' in text else text or word}")
    return " ".join(words)
