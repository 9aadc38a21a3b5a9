"""The dashboard in a real Superset: imported as its page says, shown in a browser through a login that only reads."""

import io
import json
import os
import re
import secrets
import subprocess
import time
import urllib.request
import zipfile
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.clients.conftest import free_port
from tests.db.conftest import ROOT, administer, autocommit, clone, network_template, queries, template

__all__ = ["network_template", "template"]
SUPERSET = os.environ["PGFEED_SUPERSET"]
FOLDER = ROOT / "dashboards/superset"
ADDRESS = "analyst:XXXXXXXXXX@localhost:5432/pgfeed"
SERVED = """
    insert into pgfeed.exposures (served_at, user_id, variant, source, features_as_of, post_ids)
    select e.event_at - interval '1 minute', e.user_id, 'control', 'model', now(), array[e.post_id, 3, 5]
    from pgfeed.feed_events as e where e.post_id not in (3, 5);
    call pgfeed.roll_up_events();
"""
CONFIG = """
SECRET_KEY = {secret!r}
SQLALCHEMY_DATABASE_URI = "sqlite:///{folder}/superset.db"
WTF_CSRF_ENABLED = False
TALISMAN_ENABLED = False
"""


@pytest.fixture(scope="module")
def server(template):
    """The address of a Superset with an administrator, admin."""
    port, secret = free_port(), secrets.token_hex(20)
    folder = Path(os.environ["PGFEED_SUPERSET_HOME"])
    folder.mkdir(exist_ok=True)
    (folder / "superset.db").unlink(missing_ok=True)  # an import leaves what is there as it is
    (folder / "superset_config.py").write_text(CONFIG.format(secret=secret, folder=folder))
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "FLASK_APP": "superset",
                   "SUPERSET_CONFIG_PATH": str(folder / "superset_config.py")}
    account = "--username admin --firstname a --lastname b --email admin@example.com --password admin"
    for words in ("db upgrade", f"fab create-admin {account}", "init"):
        subprocess.run([SUPERSET, *words.split()], env=environment, check=True, capture_output=True)
    with open(folder / "log", "w") as log:
        process = subprocess.Popen([SUPERSET, "run", "-p", str(port), "--with-threads"], env=environment, stdout=log,
                                   stderr=log)
    address = f"http://127.0.0.1:{port}"
    for _ in range(240):
        with suppress(OSError):
            urllib.request.urlopen(f"{address}/health", timeout=5).close()
            break
        time.sleep(1)
    yield address
    process.terminate()
    process.wait()


@pytest.fixture
def login(network_template):
    """User, password, host, port and database of a login that is in pgfeed_reader and nothing else."""
    user, password = f"pgfeed_analyst_{os.getpid()}", secrets.token_hex(8)
    with clone(network_template) as dsn, autocommit(dsn) as connection:
        queries(connection)(SERVED)
        queries(connection)("call pgfeed.refresh_recommendations('2021-12-13 12:00+00')")
        administer(f"create role {user} login password '{password}' in role pgfeed_reader")
        host = "127.0.0.1" if connection.info.host.startswith("/") else connection.info.host
        yield user, password, host, connection.info.port, connection.info.dbname
        connection.close()
    administer(f"drop role {user}")


def archive(address: str) -> bytes:
    """Return the file to import, for a database at an address."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as written:
        for path in sorted(FOLDER.rglob("*.yaml")):
            text = path.read_text("utf-8")
            written.writestr(f"superset/{path.relative_to(FOLDER)}", text.replace(ADDRESS, address))
    return file.getvalue()


def test_the_imported_dashboard_shows_figures_to_a_login_that_only_reads(server, login, tmp_path):
    user, password, host, port, database = login
    content = archive(f"{user}:XXXXXXXXXX@{host}:{port}/{database}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_context(viewport={"width": 1440, "height": 1900}).new_page()
        page.set_default_timeout(180_000)
        page.request.post(f"{server}/login/", form={"username": "admin", "password": "admin"})
        done = page.request.post(f"{server}/api/v1/dashboard/import/", multipart={
            "formData": {"name": "pgfeed.zip", "mimeType": "application/zip", "buffer": content},
            "passwords": json.dumps({"databases/pgfeed.yaml": password}), "overwrite": "true",
        })
        assert done.ok, done.text()
        answers = []
        page.on("response", lambda response: "chart/data" in response.url and answers.append(response.status))
        page.goto(f"{server}/superset/dashboard/pgfeed/?standalone=1")
        charts = len(list((FOLDER / "charts").glob("*.yaml")))
        for _ in range(180):
            if len(answers) >= charts and page.locator("canvas").count() >= 5:
                break
            page.wait_for_timeout(1000)
        page.wait_for_timeout(3000)
        page.screenshot(path=Path(os.environ.get("PGFEED_PICTURES", tmp_path)) / "superset.png", full_page=True)
        text = page.locator("body").inner_text()
        browser.close()
    assert answers == [200] * charts
    assert re.search(r"Hit rate\s+\d+\.\d%", text) and re.search(r"control\s+[\d,]+\s+[\d,]+\s+\d+\.\d%", text), text
