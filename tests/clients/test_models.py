"""The pages about Django and Rails models: their blocks make a real application, which runs on a real database."""

import json
import os
import re
import secrets
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from psycopg2.extensions import parse_dsn

from tests.clients.callers import Address, require_program
from tests.db.conftest import administer, autocommit, clone, template  # noqa: F401
from tests.db.test_pages import run
from tests.pages import DOCS, ROOT, blocks
from tests.servers import queries

DJANGO, RAILS = (DOCS / "how-to" / f"attach-{name}-models.md" for name in ("django", "rails"))
FILE = re.compile(r"# (\S+/\S+\.\w+)\n")
APPENDED = ("settings.py",)
SETTINGS = """
INSTALLED_APPS.append("feed")
ROOT_URLCONF = "community.urls"
DATABASES = {{"default": {{"ENGINE": "django.db.backends.postgresql", "NAME": {database!r}, "USER": {user!r},
    "PASSWORD": {password!r}, "HOST": {host!r}, "PORT": {port!r}}}}}
"""
FILL = """
from datetime import timedelta
from django.utils import timezone
from feed.models import *

members = Member.objects.bulk_create(Member(plan="pro" if n % 2 else "free") for n in range(12))
articles = Article.objects.bulk_create(
    Article(slug=f"a-{n}", title=f"Article {n}", body="football " * n, section="sport" if n % 2 else "film",
            published_at=timezone.now() - timedelta(days=9)) for n in range(20)
)
Read.objects.bulk_create(
    Read(member=member, article=article, seconds=9, at=timezone.now() - timedelta(days=1 + (m + a) % 5, minutes=a))
    for m, member in enumerate(members) for a, article in enumerate(articles) if (m * a) % 3
)
"""
ASK = """
import json
from django.test import Client
from feed.models import *

member = Member.objects.order_by("id").first()
client = Client(headers={"host": "localhost"})
show = lambda: [a["slug"] for a in client.get(f"/members/{member.id}/articles").json()["articles"]]
before = show()
heart = Heart.objects.create(member=member, article_id=before[0])
hearted = show()
Article.objects.filter(slug=hearted[0]).update(is_hidden=True)
hidden = show()
Article.objects.update(is_hidden=False)
heart.delete()
print(json.dumps([before, hearted, hidden, show()]))
"""

RAILS_NEW = ["new", "community", "--api", "--minimal", "--database=postgresql",
             *(f"--skip-{part}" for part in ("bundle", "git", "bootsnap", "sprockets", "listen"))]
GEMFILE = "".join(f'gem "{name}"\n' for name in ("railties", "activerecord", "actionpack", "pg"))
RAILS_FILL = """
members = Array.new(12) { |n| Member.create!(plan: n.odd? ? "pro" : "free") }
articles = Array.new(20) { |n| Article.create!(slug: "a-#{n}", title: "Article #{n}", body: "football " * n,
  section: n.odd? ? "sport" : "film", created_at: 9.days.ago) }
members.each_with_index { |member, m| articles.each_with_index { |article, a|
  Read.create!(member: member, article: article, created_at: (1 + (m + a) % 5).days.ago - a.minutes) if m * a % 3 > 0
} }
"""
RAILS_ASK = """
member = Member.order(:id).first
session = ActionDispatch::Integration::Session.new(Rails.application)
session.host! "localhost"
show = -> { session.get("/members/#{member.id}/articles"); JSON.parse(session.response.body)["articles"].pluck("slug") }
before = show.call
heart = member.hearts.create!(article: Article.find(before[0]))
hearted = show.call
Article.find(hearted[0]).update!(is_hidden: true)
hidden = show.call
Article.update_all(is_hidden: false)
heart.destroy!
puts [before, hearted, hidden, show.call].to_json
"""


@dataclass(frozen=True)
class Application:
    """A login of an application, its database for the superuser, and the name of a migrated database to copy."""

    login: Address
    dsn: str
    template: str

    def named(self, text: str) -> str:
        """Return a block of a page with the names of this application's databases and login."""
        login = self.login
        for old, new in (
            ("feed_application", login.user), ("feed_template", self.template),
            ("database: feed", f"database: {login.database}"),
            ("  encoding: unicode\n", f"  encoding: unicode\n  host: {login.host}\n  port: {login.port}\n"
                                      f"  username: {login.user}\n  password: {login.password}\n"),
        ):
            text = text.replace(old, new)
        return text


@pytest.fixture
def application(template):  # noqa: F811
    """Where a login connects to that owns what it makes in a migrated database, and the names of its superuser's."""
    user, password = f"feed_application_{os.getpid()}", secrets.token_hex(8)
    administer(f"create role {user} login createdb password '{password}'")
    with clone(template) as dsn, clone(template) as empty_dsn:
        name = parse_dsn(empty_dsn)["dbname"]
        administer(f'alter database "{name}" is_template true')
        with autocommit(dsn) as connection:
            host, port, database = connection.info.host, connection.info.port, connection.info.dbname
            queries(connection)(f"grant create on schema public to {user}")
        login = Address("127.0.0.1" if host.startswith("/") else host, port, database, user, password)
        yield Application(login, dsn, name)
        administer(f'drop database if exists "{database}_test"')
        administer(f'alter database "{name}" is_template false')
    administer(f'drop role "{user}"')


def execute(command, folder, **environment):
    """Run a program; return what it printed to stdout."""
    done = subprocess.run(command, cwd=folder, env={**os.environ, **environment}, capture_output=True, text=True,
                          timeout=120, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


def follow(page, application, folder, after_block):
    """Do what a page says: write its files, append to those that are there, run its commands and statements.

    after_block: functions by the number of the command or statement, from 1, that they come after. Returns what was
    printed.
    """
    (folder / "run").symlink_to(ROOT / "run")
    printed = []
    for block in blocks(page):
        text = application.named(block.text)
        if block.reason is None and (file := FILE.match(text)):
            path = folder / file[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if path.name in APPENDED else ""
            path.write_text(before + text, encoding="utf-8")
        elif block.reason is None:
            printed.append(run(block.language, text, application.dsn, folder))
            after_block.get(len(printed), lambda: None)()
    return "".join(printed)


def assert_answers(answers):
    """Check five lists: of a member, after a heart, after hiding the first, after both were taken back."""
    before, hearted, hidden, again = answers
    assert [len(answer) for answer in answers] == [5] * 4
    assert again == before and before[0] not in hearted and hearted[0] not in hidden


def what_is_left(dsn):
    """Return what pgfeed has on the tables of an application: triggers, grants, policies."""
    with autocommit(dsn) as connection:
        return queries(connection)("""
            select tgname::text from pg_trigger where not tgisinternal and tgrelid::regclass::text !~ '^pgfeed'
            union all select table_name from information_schema.column_privileges
            where grantee = 'pgfeed_owner' and table_schema = 'public'
        """)


def test_the_page_about_django_models_makes_an_application_that_recommends(application, tmp_path, monkeypatch):
    pytest.importorskip("django")
    pytest.importorskip("psycopg")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    execute(["django-admin", "startproject", "community", "."], tmp_path)
    execute(["python", "manage.py", "startapp", "feed"], tmp_path)
    with open(tmp_path / "community" / "settings.py", "a", encoding="utf-8") as settings:
        settings.write(SETTINGS.format(**vars(application.login)))
    printed = follow(DJANGO, application, tmp_path, {
        2: lambda: execute(["python", "manage.py", "shell", "-c", FILL], tmp_path),
    })
    assert "Found 2 test(s)" in printed
    assert_answers(json.loads(execute(["python", "manage.py", "shell", "--no-imports", "-c", ASK], tmp_path)))
    execute(["python", "manage.py", "migrate", "feed", "0001"], tmp_path)
    assert what_is_left(application.dsn) == []


def test_the_page_about_rails_models_makes_an_application_that_recommends(application, tmp_path, monkeypatch):
    program = require_program("rails")
    versions = subprocess.run([require_program("ruby"), "-e", "require 'rails'; require 'pg'; print Rails.version"],
                              capture_output=True, text=True)
    if versions.returncode or not versions.stdout.startswith("6.1."):
        pytest.skip(f"no gem pg, or not the Rails 6.1 that rails new is told the options of: {versions.stdout}")
    execute([program, *RAILS_NEW], tmp_path)
    folder = tmp_path / "community"
    (folder / "Gemfile").write_text(GEMFILE)
    printed = follow(RAILS, application, folder, {2: lambda: execute(["bin/rails", "runner", RAILS_FILL], folder)})
    assert "2 runs," in printed
    assert_answers(json.loads(execute(["bin/rails", "runner", RAILS_ASK], folder)))
    execute(["bin/rails", "db:rollback"], folder)
    assert what_is_left(application.dsn) == []
