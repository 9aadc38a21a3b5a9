"""The body of pgfeed._compiled_filter: a feed's filter taken apart into what a refresh and what a call evaluates."""

import json
import re
from collections import Counter

TOKEN = re.compile(
    r"""(?P<space>[ \t\n\r\f]+)
    |(?P<string>(?P<prefix>[^\W\d]\w*|[uU]&)?'(?:[^']|'')*')
    |(?P<name>(?:[^\W\d]\w*)|"(?:[^"]|"")+")
    |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)
    |(?P<operator>[-+*/<>=~!@#%^&|`?]+|::)
    |(?P<mark>[][(),.:])""",
    re.VERBOSE,
)
ALIASES = ("post", "text")
LENGTH, NAME_LENGTH = 10_000, 63
TODAY = ("now", "today", "tomorrow", "yesterday")
WORD = re.compile("[a-z]+")
EXACT = ("smallint", "integer", "real", "double precision")
TIMES = ("timestamp with time zone", "timestamp without time zone", "date")
FLIPPED = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
HINT = "Write one SQL condition over a post and ts: topic <> 'covid' and created_at > ts - interval '3 days'"
VIEWS_QUERY = (
    "select format('create view pgfeed._filter_%s as select %s', c.alias,"
    " string_agg(format('null::%s as %I', c.type, c.name), ', ' order by c.number)) as statement"
    " from pgfeed._filter_columns() as c group by c.alias"
)
MOMENTS_QUERY = "select array[{}]::double precision[] as moments from (select $1::timestamptz as ts) as moment"
DROP = "drop view pgfeed._filter_moment, pgfeed._filter_post, pgfeed._filter_text"
OWN_TYPES_QUERY = (
    "select array(select t.typname::text from pg_type as t where t.typnamespace = pg_my_temp_schema()) as names"
)
FACTS_QUERY = "select problem, hint, sql, type, columns, nodes from pgfeed._filter_facts($1)"
CAPITALS = re.compile("[A-Z]+")
# As deparsed text has it: no comments, no dollar quotes, every operand that is not simple in parentheses.
CANONICAL = re.compile(r"""E?'(?:[^'\\]|''|\\.)*'|"(?:[^"]|"")*"|[()\[\]]|[^'"()\[\]E]+|E""", re.DOTALL)


def tokens(text):
    """Return the kind and the text of each token of an SQL expression without spaces; ValueError: it cannot be one.

    What PostgreSQL's lexer could read in another way than this one is refused: comments, dollar quotes, strings with
    a prefix. So is a name of a schema: what is not PostgreSQL's own would run with the rights of pgfeed_owner.
    """
    if len(text) > LENGTH:
        raise ValueError(f"has {len(text)} characters, at most {LENGTH} are allowed")
    found, place = [], 0
    while place < len(text):
        token = TOKEN.match(text, place)
        if token is None:
            raise ValueError(f"has {text[place]!r}, which is no SQL or not allowed")
        kind, place = token.lastgroup, token.end()
        if token["prefix"] is not None:
            raise ValueError(f"has a string with the prefix {token['prefix']}")
        if kind == "operator" and ("--" in token[0] or "/*" in token[0]):
            raise ValueError("has a comment")
        if kind == "name" and len(token[0].encode()) > NAME_LENGTH:
            raise ValueError(f"has a name of more than {NAME_LENGTH} bytes")
        if kind != "space":
            found.append(("string" if token["string"] else kind, token[0]))
    return found


def problem_of(text, own_types=()):
    """Return what is wrong with the text of a filter before PostgreSQL reads it; None: nothing.

    own_types: names of types that are found without a schema and are not PostgreSQL's.
    """
    try:
        found = tokens(text)
    except ValueError as error:
        return str(error)
    depth = 0
    for (_, before), (kind, word) in zip([("", ""), *found], found):
        depth += (word in ("(", "[")) - (word in (")", "]")) if kind == "mark" else 0
        if depth < 0:
            return "closes a parenthesis that it did not open"
        if word == "." and name_of(before) not in ALIASES:
            return f"names {before}: only post.NAME and text.NAME are known"
        if kind == "name" and name_of(word) in own_types:
            return f"names the type {word}, which is not PostgreSQL's own"
    return "does not close a parenthesis" if depth else None


def name_of(token):
    """Return an identifier as PostgreSQL reads it."""
    if token.startswith('"'):
        return token[1:-1].replace('""', '"')
    return CAPITALS.sub(lambda capitals: capitals[0].lower(), token)


def marked(text):
    """Return the pieces of a deparsed expression with their depth in parentheses."""
    depth, found = 0, []
    for piece in CANONICAL.findall(text):
        depth -= piece in (")", "]")
        found.append((piece, depth))
        depth += piece in ("(", "[")
    return found


def bare(text):
    """Return a deparsed expression without the parentheses around all of it."""
    text = text.strip()
    while text.startswith("("):
        inner = marked(text)
        if any(depth == 0 for piece, depth in inner[1:-1]) or inner[-1] != (")", 0):
            break
        text = text[1:-1].strip()
    return text


def split(text, separators):
    """Return the parts of a deparsed expression between those words that are outside of parentheses, and these."""
    pattern = re.compile(f"({'|'.join(re.escape(f' {word} ') for word in separators)})")
    parts, words = [""], []
    for piece, depth in marked(text):
        if depth or piece in ("(", ")") or piece[0] in "'\"" or piece.startswith("E'"):
            parts[-1] += piece
            continue
        for number, part in enumerate(pattern.split(piece)):
            if number % 2:
                words.append(part.strip())
                parts.append("")
            else:
                parts[-1] += part
    return parts, words


def conjuncts(text):
    """Return the parts of a deparsed condition that all must hold."""
    parts = split(bare(text), ["AND"])[0]
    return parts if len(parts) == 1 else [each for part in parts for each in conjuncts(part)]


class Compiler:
    """A filter's text, and what PostgreSQL says of it and its parts, while the views of VIEWS_QUERY are there."""

    def __init__(self, plpy, text):
        self.plpy, self.text = plpy, text
        self.plan = plpy.prepare(FACTS_QUERY, ["text"])

    def refuse(self, problem, hint=None):
        self.plpy.error(f"filter => {quoted(self.text)}: it {problem}", hint=hint or HINT, sqlstate="22023")

    def facts(self, expression):
        """Return the facts of a part, None: it is no expression by itself."""
        facts = self.plpy.execute(self.plan, [expression])[0]
        return None if facts["problem"] else facts

    def condition(self):
        """Return the facts of all of it; an error says why it cannot be a filter."""
        facts = self.plpy.execute(self.plan, [self.text])[0]
        if facts["problem"]:
            problem = facts["problem"]
            is_said_by_us = problem.split(" ")[0] in ("has", "names", "calls", "says", "gives", "is")
            self.refuse(problem if is_said_by_us else f"is not valid: {problem}", facts["hint"])
        if facts["type"] != "boolean":
            self.refuse(f"is {facts['type']}, not true or false")
        said = todays(token for kind, token in tokens(self.text) if kind == "string")
        kept = todays(piece for piece in CANONICAL.findall(facts["sql"]) if piece.startswith(("'", "E'")))
        for word in said - kept:
            self.refuse(f"says '{word}', which would stay the day of today")
        return facts

    def comparison(self, part):
        """Return what can be stored of a comparison of a post and the moment, None: it is none.

        left: SQL of a float8 that each post has; right: of one that the moment has; operator: between them.
        """
        sides, operators = split(bare(part), FLIPPED)
        if len(sides) != 2:
            return None
        facts = [self.facts(side) for side in sides]
        if None in facts or any("COERCEVIAIO" in each["nodes"] for each in facts):
            return None
        if not any(all(each["type"] in types for each in facts) for types in (EXACT, TIMES)):
            return None
        left, right = (as_number(each) for each in facts)
        has_moment = ["moment.ts" in each["columns"] for each in facts]
        if has_moment == [False, True] and facts[1]["columns"] == ["moment.ts"]:
            return {"left": left, "operator": operators[0], "right": right}
        if has_moment == [True, False] and facts[0]["columns"] == ["moment.ts"]:
            return {"left": right, "operator": FLIPPED[operators[0]], "right": left}
        return None


def todays(strings):
    """Return how often strings say each word of TODAY: a moment that PostgreSQL read has lost it, a text has not."""
    return Counter(word for each in strings for word in WORD.findall(each.lower()) if word in TODAY)


def as_number(facts):
    """Return SQL of an expression's value as float8, of times the seconds since 1970."""
    if facts["type"] in TIMES:
        return f"extract(epoch from ({facts['sql']})::timestamptz)::double precision"
    return f"({facts['sql']})::double precision"


def quoted(text):
    """Return a text as an SQL literal, its first 200 characters."""
    return "'" + text[:200].replace("'", "''") + ("..." if len(text) > 200 else "") + "'"


def take_apart(compiler):
    """Return a filter as a dictionary.

    columns: all that it reads, as ALIAS.NAME; posts: conditions on posts alone; moments: see Compiler.comparison();
    calls: conditions that take both. All of them are SQL texts as PostgreSQL writes them. moments_query: SQL of the
    right sides of moments at $1, as an array.
    """
    whole = compiler.condition()
    result = {"columns": whole["columns"], "posts": [], "moments": [], "calls": []}
    parts = conjuncts(whole["sql"])
    facts = [compiler.facts(part) for part in parts]
    if any(each is None or each["type"] != "boolean" for each in facts):
        parts, facts = [whole["sql"]], [whole]
    for part, each in zip(parts, facts):
        if "moment.ts" not in each["columns"]:
            result["posts"].append(part)
        elif each["columns"] == ["moment.ts"]:
            right = f"case when {part} then 1 else 0 end"
            result["moments"].append({"left": "1::double precision", "operator": "<=", "right": right})
        else:
            comparison = compiler.comparison(part)
            result["moments" if comparison else "calls"].append(comparison or part)
    rights = ", ".join(moment["right"] for moment in result["moments"])
    result["moments_query"] = MOMENTS_QUERY.format(rights)
    return result


def _compiled_filter(plpy, text):
    """Return take_apart() of a filter as JSON; text: SQL that somebody may have made up to do harm."""
    compiler = Compiler(plpy, text)
    if not text.strip():
        compiler.refuse("is empty")
    problem = problem_of(text, plpy.execute(OWN_TYPES_QUERY)[0]["names"])
    if problem:
        compiler.refuse(problem)
    for row in plpy.execute(VIEWS_QUERY):
        plpy.execute(row["statement"])
    result = take_apart(compiler)
    plpy.execute(DROP)
    return json.dumps(result)
