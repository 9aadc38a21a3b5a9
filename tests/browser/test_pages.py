"""The pages in a real browser: what is clicked is in the database, and in the next list; all can be read."""

import contextlib
import os
import re
import threading
import urllib.error
import urllib.request
from pathlib import Path

import psycopg2
import pytest
import uvicorn
from playwright.sync_api import expect, sync_playwright

from loader import gateway
from loader.playground import app as playground
from loader.report.document import write_report
from tests.db.conftest import autocommit, clone, network_template, queries, template
from tests.db.test_taste import stage_3_template
from tests.site import SITE, attach

__all__ = ["network_template", "stage_3_template", "template"]
MOMENT = "2021-12-13 12:00:00"
WIDTHS = (390, 768, 1440)


@contextlib.contextmanager
def serving(monkeypatch, dsn):
    """Serve an application on a free port of this machine; yield its address."""
    with monkeypatch.context() as environment, gateway.listen("127.0.0.1", 0) as listener:
        environment.setenv("PGFEED_DSN", dsn)
        application = playground.create_app(playground.hosts_of("127.0.0.1"))
        server = uvicorn.Server(uvicorn.Config(application, log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def browser():
    with sync_playwright() as playwright:
        # Chromium's sandbox does not work for root.
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def network(stage_3_template):
    with clone(stage_3_template) as dsn, autocommit(dsn) as connection:
        run = queries(connection)
        run("call pgfeed.define_action('hide', sign => -1)")
        run.dsn = dsn
        yield run


@pytest.fixture
def address(monkeypatch, network):
    with serving(monkeypatch, network.dsn) as address:
        yield address


def opened(browser, address, width=1440, **options):
    """Open the page with a list in it, as user 7 at MOMENT."""
    page = browser.new_context(viewport={"width": width, "height": 900}, **options).new_page()
    page.requests = []
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.goto(address)
    expect(page.locator(".post").first).to_be_visible()
    if not page.locator("#more").evaluate("each => each.open"):
        page.locator("#more > summary").click()
    page.fill("#user", "7")
    page.fill("#at", MOMENT)
    page.get_by_role("button", name="Show the feed").click()
    expect(page.locator("#sql")).to_contain_text(f"('7', '{MOMENT}+00'")
    return page


def shown(page) -> list[int]:
    return [int(each.get_attribute("data-post")) for each in page.locator(".post").all()]


def violations(page) -> list[tuple[str, str]]:
    """Return what axe-core finds that is serious: its rule and an element."""
    page.evaluate((Path(os.environ["PGFEED_NODE_MODULES"]) / "axe-core/axe.min.js").read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [(each["id"], each["nodes"][0]["html"]) for each in found if each["impact"] in ("serious", "critical")]


def picture(page, folder, name) -> None:
    """Make a picture to look at, in the folder PGFEED_PICTURES if it names one."""
    page.screenshot(path=Path(os.environ.get("PGFEED_PICTURES", folder)) / f"{name}.png", full_page=True)


def test_what_is_liked_is_in_the_database_and_gone_from_the_list(browser, address, network):
    page = opened(browser, address)
    posts = shown(page)
    assert len(posts) == 5
    expect(page.locator("#likes li").first).to_contain_text("2021-12-1")
    liked = posts[1]
    page.get_by_role("button", name=f"like post {liked}").click()
    expect(page.locator("#log li")).to_have_count(2)
    expect(page.locator(f'.post[data-post="{liked}"]')).to_have_count(0)
    assert network("select action from pgfeed.feed_events where user_id = 7 and post_id = %s and event_at >= %s"
                   " order by action", liked, MOMENT + "+00") == [("like",), ("view",)]
    page.get_by_role("button", name=f"Take back: like of post {liked}").click()
    expect(page.locator(f'.post[data-post="{liked}"]')).to_have_count(1)
    assert network("select action from pgfeed.feed_events where user_id = 7 and post_id = %s and event_at >= %s",
                   liked, MOMENT + "+00") == [("view",)]


def test_a_hidden_post_never_returns(browser, address, network):
    page = opened(browser, address)
    hidden = shown(page)[0]
    page.get_by_role("button", name=f"hide post {hidden}").click()
    expect(page.locator(f'.post[data-post="{hidden}"]')).to_have_count(0)
    seen = shown(page)
    while page.locator("#next").is_visible() and len(seen) < 200:
        before = shown(page)
        page.locator("#next").click()
        expect(page.locator(f'.post[data-post="{before[0]}"]')).to_have_count(0)
        seen += shown(page)
    assert hidden not in seen and len(seen) == len(set(seen)) > 5


def test_three_likes_of_one_topic_change_what_comes(browser, address, network):
    page = opened(browser, address)

    def fourth_page():
        for _ in range(3):
            before = shown(page)
            page.locator("#next").click()
            expect(page.locator(f'.post[data-post="{before[0]}"]')).to_have_count(0)
        return shown(page)

    expected = fourth_page()
    page.locator("#first").click()
    expect(page.locator("#first")).to_be_hidden()
    topic = page.locator(".post .chip").first.inner_text()
    page.fill("#limit", "40")
    page.get_by_role("button", name="Show the feed").click()
    expect(page.locator(".post")).to_have_count(40)
    of_topic = [int(each.get_attribute("data-post")) for each in page.locator(".post", has_text=topic).all()][:3]
    for number, post_id in enumerate(of_topic, 1):
        page.get_by_role("button", name=f"like post {post_id}", exact=True).click()
        expect(page.locator("#log li")).to_have_count(2 * number)
    page.fill("#limit", "5")
    page.get_by_role("button", name="Show the feed").click()
    expect(page.locator(".post")).to_have_count(5)
    assert fourth_page() != expected


def test_the_sql_shown_gives_the_rows_shown(browser, address, network):
    page = opened(browser, address)
    page.fill("#max_per_topic", "1")
    page.get_by_role("button", name="Show the feed").click()
    expect(page.locator("#sql")).to_contain_text("max_per_topic => 1")
    expect(page.locator("#status")).to_contain_text("posts in")
    rows = network(page.locator("#sql").inner_text().replace("%", "%%").rstrip(";"))
    assert [int(row[1]) for row in rows] == shown(page)


def test_why_says_the_sentence_that_sql_says(browser, address, network):
    page = opened(browser, address)
    post_id = shown(page)[0]
    page.get_by_role("button", name=f"Why post {post_id}?").click()
    said = network("select because from pgfeed.explain_recommendation(7, %s, %s, %s) where rank = 1",
                   post_id, MOMENT + "+00", page.locator("#variant").input_value())
    expect(page.locator(".why p").first).to_have_text(said[0][0])
    expect(page.locator(".why tr").first).to_be_visible()
    page.get_by_role("button", name=f"Why post {post_id}?").click()
    expect(page.locator(".why")).to_have_count(0)


def test_an_invented_user_gets_a_list_and_is_stored(browser, address, network):
    page = opened(browser, address)
    page.locator("#inventing summary").click()
    page.fill("#age", "19")
    page.fill("#city", "Omsk")
    page.locator("#invent").click()
    expect(page.locator("#profile")).to_have_text("age 19, city Omsk")
    assert network("select age, city from pgfeed.users where user_id = %s", page.locator("#user").input_value()) == [
        (19, "Omsk")
    ]


def test_it_works_by_keyboard_alone(browser, address, network):
    page = opened(browser, address)
    post_id = shown(page)[0]
    page.locator("#posts").focus()
    page.keyboard.press("Tab")
    label = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert label in (f"like post {post_id}", f"hide post {post_id}")
    page.keyboard.press("Enter")
    expect(page.locator(f'.post[data-post="{post_id}"]')).to_have_count(0)
    expect(page.locator("#posts")).to_be_focused()


def test_what_is_wrong_is_said_in_one_line(browser, address):
    page = opened(browser, address)
    page.fill("#at", "2021-13-45 00:00")
    page.get_by_role("button", name="Show the feed").click()
    expect(page.locator("#status.is-wrong")).not_to_be_empty()
    assert "\n" not in page.locator("#status").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_it_is_accessible_and_fits(browser, address, tmp_path, width, scheme):
    page = opened(browser, address, width, color_scheme=scheme)
    page.get_by_role("button", name=re.compile("^Why")).first.click()
    expect(page.locator(".why tr").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    assert all(request.startswith((address, "data:")) for request in page.requests)
    picture(page, tmp_path, f"playground-{width}-{scheme}")


def test_only_its_own_page_writes_and_only_by_this_machines_name(address, network):

    body = b'{"user": "7", "post": "3", "at": "2021-12-13T12:00:00Z", "action": "like"}'
    for path, headers, status in (
        ("api/events", {"Content-Type": "application/json"}, 403),
        ("api/events/delete", {"Content-Type": "application/json", "X-Pgfeed": "another"}, 403),
        ("api/overview", {"Host": "elsewhere.example"}, 400),
    ):
        with pytest.raises(urllib.error.HTTPError) as raised:
            urllib.request.urlopen(urllib.request.Request(
                address + path, headers=headers, data=None if "overview" in path else body
            ))
        assert raised.value.code == status
    assert network("select count(*) from pgfeed.feed_events where user_id = 7 and post_id = 3 and event_at >= %s",
                   MOMENT + "+00") == [(0,)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_report_is_accessible_and_fits(browser, network, tmp_path, width, scheme):
    with contextlib.closing(psycopg2.connect(network.dsn)) as connection:
        write_report(connection, tmp_path / "report.html")
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()
    page.goto((tmp_path / "report.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert violations(page) == []
    picture(page, tmp_path, f"report-{width}-{scheme}")


def test_attached_tables_are_shown_and_not_written_to(browser, monkeypatch, template):
    with clone(template) as dsn, autocommit(dsn) as connection:
        query = queries(connection)
        query(SITE)
        attach(query, "trigger")
        query("call pgfeed.refresh_features()")
        with serving(monkeypatch, dsn) as address:
            page = browser.new_context().new_page()
            page.goto(address)
            card = page.locator(".post").first
            expect(card.locator(".text")).to_contain_text("Title")
            expect(page.locator("#likes li").first).to_contain_text("Title")
            expect(card.get_by_role("button", name="Like")).to_have_count(0)
            card.get_by_role("button", name="Open").click()
            expect(card.get_by_role("button", name="Close")).to_be_visible()
            expect(page.locator("#log li")).to_have_count(0)
            expect(page.locator("#status.is-wrong")).to_have_count(0)
