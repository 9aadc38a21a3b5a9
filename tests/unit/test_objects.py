"""Pinned definitions: every pin resolves, every current text is installed."""

import pytest

from migrations import objects

SQL = objects.ROOT / "sql"
FILES = sorted(path.relative_to(SQL).with_suffix("").as_posix() for path in SQL.rglob("*.sql") if path != SQL / "citus.sql")


@pytest.mark.parametrize("path", sorted(objects.VERSIONS.glob("*.py")), ids=lambda path: path.stem)
def test_pins_resolve(path):
    for name, pin in objects.PIN.findall(path.read_text()):
        assert objects.resolve(name, pin)


@pytest.mark.parametrize("name", FILES)
def test_current_text_is_what_head_installs(name):
    assert objects.pins().get(name) == objects.digest(objects.compose(name)), f"Next: python -m migrations.objects pin {name}"


def test_every_install_names_a_pin():
    for path in objects.VERSIONS.glob("*.py"):
        assert path.read_text().count("install(") == len(objects.PIN.findall(path.read_text()))


def test_file_name_is_object_name():
    for name in FILES:
        if "/" in name:
            kind, _, plain = name.partition("/")
            word = {"functions": "function", "procedures": "procedure", "views": "view", "matviews": "materialized view"}[kind]
            assert f"{word} pgfeed.{plain}" in objects.compose(name).split("\n", 1)[0]


def test_broken_pin_says_what_to_run():
    with pytest.raises(objects.PinError, match="python -m migrations.objects pin functions/recommend_posts"):
        objects.resolve("functions/recommend_posts", "000000000000")


def test_include_puts_the_module_in_without_imports_of_ours():
    text = objects.compose("functions/_model_problems")
    assert "def rank(" in text and "def _model_problems(" in text and "from plpy." not in text
