"""Pinned definitions: every pin resolves, every current text is installed, what was released never changes."""

import hashlib
import shutil
import subprocess

import pytest

from migrations import objects

SQL = objects.ROOT / "sql"
FILES = sorted(path.relative_to(SQL).with_suffix("").as_posix() for path in SQL.glob("*/*.sql"))
NAME = "functions/_is_large"


@pytest.mark.parametrize("path", objects.revisions(), ids=lambda path: path.stem)
def test_pins_resolve(path):
    for name, pin in objects.PIN.findall(path.read_text(encoding="utf-8")):
        assert objects.resolve(name, pin)


def test_current_texts_are_what_head_installs():
    assert objects.changed() == [], "Next: python -m migrations.objects pin"



@pytest.mark.parametrize("path", objects.released())
def test_what_was_released_does_not_change(path):
    content = (objects.MIGRATIONS / path).read_bytes()
    assert hashlib.sha256(content).hexdigest() == objects.released()[path]


def test_all_of_the_baseline_was_released():
    files = {path.relative_to(objects.MIGRATIONS).as_posix() for path in objects.BASELINE.rglob("*.sql")}
    assert files <= set(objects.released())


def test_the_archive_has_nothing_that_no_revision_installs():
    named = {
        objects.archived(name, pin)
        for path in objects.revisions()
        for name, pin in objects.PIN.findall(path.read_text(encoding="utf-8"))
    }
    assert set(objects.ARCHIVE.glob("*.sql")) <= named


def test_file_name_is_object_name():
    for name in FILES:
        kind, _, plain = name.partition("/")
        plain = plain.removesuffix("__anyelement")
        assert f"{objects.KINDS[kind]} pgfeed.{plain}" in objects.compose(name).split("\n", 1)[0]


def test_broken_pin_says_what_to_run():
    with pytest.raises(objects.PinError, match="python -m migrations.objects pin functions/recommend_posts"):
        objects.resolve("functions/recommend_posts", "000000000000")


def test_include_puts_a_module_in_as_code_and_library_as_strings():
    text = objects.compose("functions/_model_problems")
    assert "def _model_problems(" in text and "def load_model(" not in text
    text = objects.compose("functions/_library")
    assert '"ranking": r\'\'\'"""Scores' in text and text.count("def rank(") == 1


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A committed copy of what objects.py works on, in which texts can be edited, pinned and released."""
    for folder in ("loader", "migrations", "plpy", "sql"):
        shutil.copytree(objects.ROOT / folder, tmp_path / folder)
    monkeypatch.setattr(objects, "ROOT", tmp_path)
    for constant, path in (
        ("MIGRATIONS", "."), ("ARCHIVE", "archive"), ("BASELINE", "baseline"), ("RELEASED", "released.txt"),
        ("VERSIONS", "versions")
    ):  # fmt: skip
        monkeypatch.setattr(objects, constant, tmp_path / "migrations" / path)
    commit(tmp_path)
    return tmp_path


def commit(folder):
    git = ["git", "-C", str(folder), "-c", "user.name=x", "-c", "user.email=x@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "x"], check=True)


def edit(folder, number):
    path = folder / f"sql/{NAME}.sql"
    path.write_text(path.read_text(encoding="utf-8") + f"\n-- {number}\n", encoding="utf-8")


def test_pin_writes_into_the_open_revision_and_archives_nothing(checkout):
    revisions = objects.revisions()
    for number in range(2):
        edit(checkout, number)
        assert objects.pin(NAME) == revisions[-1]
        assert objects.changed() == []
    assert objects.revisions() == revisions and not list(objects.ARCHIVE.glob("*.sql"))


def test_pin_after_a_release_starts_a_revision_and_archives_the_released_text(checkout):
    old = objects.release("v9.9.9")
    commit(checkout)
    before = objects.pins()[NAME]
    for number in range(2):
        edit(checkout, number)
        new = objects.pin(NAME)
    assert objects.revisions()[-2:] == [old, new]
    assert [path.name for path in objects.ARCHIVE.glob("*.sql")] == [f"functions._is_large@{before}.sql"]
    assert objects.resolve(NAME, before) == objects.compose(NAME)[: -len("\n-- 0\n\n-- 1\n")]
    assert objects.pins(until=new.name[:4])[NAME] == before != objects.pins()[NAME]


def test_pin_adds_a_new_object_and_refuses_an_unchanged_one(checkout):
    (checkout / "sql/views/mine.sql").write_text("create or replace view pgfeed.mine as select 1 as one;\n")
    assert objects.changed() == ["views/mine"]
    objects.pin("views/mine")
    assert list(objects.pins())[-1] == "views/mine"
    with pytest.raises(objects.PinError, match="has not changed"):
        objects.pin("views/mine")
