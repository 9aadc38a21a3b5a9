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

from tests.clients.callers import Address
from tests.db.conftest import administer, autocommit, clone, template  # noqa: F401
from tests.db.test_pages import run
from tests.pages import DOCS, ROOT, blocks
from tests.servers import queries

DJANGO = DOCS / "how-to" / "attach-django-models.md"
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


@dataclass(frozen=True)
class Application:
    """A login of an application, its database for the superuser, and the name of a migrated database to copy."""

    login: Address
    dsn: str
    template: str


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
        yield Application(Address("127.0.0.1" if host.startswith("/") else host, port, database, user, password), dsn,
                          name)
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

    after_block: functions by the number of the command or statement, from 1, that they come after.
    """
    (folder / "run").symlink_to(ROOT / "run")
    count = 0
    for block in blocks(page):
        text = block.text.replace("feed_application", application.login.user).replace(
            "feed_template", application.template
        )
        if block.reason is None and (file := FILE.match(text)):
            path = folder / file[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            before = path.read_text(encoding="utf-8") if path.name in APPENDED else ""
            path.write_text(before + text, encoding="utf-8")
        elif block.reason is None:
            run(block.language, text, application.dsn, folder)
            count += 1
            after_block.get(count, lambda: None)()


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
    follow(DJANGO, application, tmp_path, {
        2: lambda: execute(["python", "manage.py", "shell", "-c", FILL], tmp_path),
    })
    assert_answers(json.loads(execute(["python", "manage.py", "shell", "--no-imports", "-c", ASK], tmp_path)))
    execute(["python", "manage.py", "migrate", "feed", "0001"], tmp_path)
    assert what_is_left(application.dsn) == []
