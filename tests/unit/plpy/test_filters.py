"""The text of a feed's filter, before and after PostgreSQL reads it."""

import pytest

from plpy.filters import bare, conjuncts, problem_of, split

OPERATORS = ["<", "<=", ">", ">="]


@pytest.mark.parametrize("text", [
    "topic <> 'covid' and created_at > ts - interval '3 days'", "topic = 'it''s --not; $$a$$ comment /* '",
    'post."a -- b" > 1', "tags && array['a', 'b']", "1.5e3 > .5", "post . like_rate > 0", "(((true)))",
    "topic::text = 'x'", "post_id = any (array[1, 2])", "topic ~ '^[a-z]+$' or topic !~~ '%x'", "тема = 'спорт'",
    "post_id between 1 and 2", "post.tags[1:2] is null",
])
def test_a_text_that_only_postgresql_can_judge_has_no_problem(text):
    assert problem_of(text, {"trap"}) is None


@pytest.mark.parametrize("text, problem", [
    ("x --", "has a comment"), ("x --\n", "has a comment"), ("x+--y", "has a comment"), ("x /* y", "has a comment"),
    ("x */* y", "has a comment"), ("x;", "has ';'"), ("$a$x$a$", "has '$'"), ("a$b", "has '$'"), ("x\\", "has '\\\\'"),
    ("{x}", "has '{'"), ("x\u00a0y", "has '\\xa0'"), ("x\v", "has '\\x0b'"), ("x\0", "has '\\x00'"),
    ("e'x'", "with the prefix e"), ("N'x'", "with the prefix N"), ("b'1'", "with the prefix b"), ("u&'x'", "prefix u&"),
    ("a) or (b", "closes a parenthesis"), ("a]", "closes a parenthesis"), ("((a)", "does not close"),
    ("pgfeed.f(1)", "names pgfeed"), ('"pgfeed" . f(1)', 'names "pgfeed"'), ("a.b.c", "names a"),
    ("x operator(y.+) z", "names y"),
    ("Trap 'x'", "names the type Trap"), ('"trap"', 'names the type "trap"'), ('"TRAP"', None), ("É::x", None),
])
def test_what_a_lexer_could_read_in_two_ways_is_refused(text, problem):
    found = problem_of(text, {"trap", "é"})
    assert found is None if problem is None else problem in found, found


def test_a_deparsed_condition_is_split_where_all_must_hold():
    text = "((a <> ' AND (x'::text) AND (b OR (c AND d)) AND ((e >= 1) AND (e <= 2)) AND (E'\\') AND x' = f))"
    assert conjuncts(text) == ["a <> ' AND (x'::text", "b OR (c AND d)", "e >= 1", "e <= 2", "E'\\') AND x' = f"]
    assert conjuncts("(a) AND (b)") == ["a", "b"]
    assert conjuncts("(a OR b)") == ["a OR b"]
    assert conjuncts("flag") == ["flag"]
    case = "\n        CASE\n            WHEN (a AND b) THEN c\n            ELSE d\n        END"
    assert conjuncts(f"({case} AND e)") == [case.strip(), "e"]


def test_a_comparison_is_split_at_its_operator_alone():
    text = "created_at > (ts - '3 days'::interval)"
    assert split(text, OPERATORS) == (["created_at", "(ts - '3 days'::interval)"], [">"])
    assert split("(a < b) = (c <= d)", OPERATORS) == (["(a < b) = (c <= d)"], [])
    assert split("a <> ' > '::text", OPERATORS) == (["a <> ' > '::text"], [])
    assert split("(a)::numeric <= extract(hour from ts)", OPERATORS)[1] == ["<="]
    assert bare("((a) AND (b))") == "(a) AND (b)"
    assert bare("(a) AND (b)") == "(a) AND (b)"
