"""docker compose: the page's commands, and the same answers after every way in which the database goes and returns."""

import urllib.request
from contextlib import suppress

import pytest

from tests.containers.conftest import PAGE, free_port
from tests.pages import blocks

UP = "docker compose --profile http up --detach --wait"
POSTMASTER = "kill -9 $(head -n 1 /var/lib/pgfeed/clusters/*/data/postmaster.pid)"
DATABASE = "docker compose ps --quiet db"


@pytest.fixture(scope="session")
def before(project):
    """The gateway's answers after the demo."""
    return project.answers()


def test_the_demo_recommends(project):
    assert "five posts for user 1000" in project.printed
    assert "first call of the session" in project.printed


def test_the_gateway_recommends(before):
    assert {status for status, _ in before} == {200}
    assert {len(posts) for _, posts in before} == {5}
    assert len({str(posts) for _, posts in before}) > 1


def test_without_its_database_the_gateway_says_so(project, before):
    project.shell("docker compose kill --signal KILL db")
    for path in ("/post/recommendations/?id=1000", "/health"):
        status, answer = project.get(path)
        assert (status, sorted(answer)) == (503, ["cause", "next", "what"])
    project.shell(UP)
    assert project.answers() == before


def test_a_server_that_dies_comes_back_by_itself(project, before):
    started = project.shell(f"docker inspect --format '{{{{.State.StartedAt}}}}' $({DATABASE})")
    project.shell(f"docker compose exec -T db sh -c '{POSTMASTER}'")
    project.wait_for(lambda: project.get("/health")[0] == 200 and project.answers() == before)
    assert project.shell(f"docker inspect --format '{{{{.State.StartedAt}}}}' $({DATABASE})") != started


def test_new_containers_find_the_old_data(project, before):
    project.shell(f"{blocks(PAGE)[3].text}{UP}")
    assert project.answers() == before
    assert "was not properly shut down" not in project.shell("docker compose logs db")


def test_two_servers_never_share_a_volume(project, before):
    second = project.try_shell("docker compose run --rm --no-deps -T db")
    assert second.returncode == 1 and "a server in another container" in second.stderr + second.stdout
    assert project.answers() == before


def test_verbs_and_files(project):
    (project.folder / "posts.csv").write_text("post_id,topic,text\n90001,travel,A post of the containers' own\n")
    printed = project.shell(blocks(PAGE)[2].text)
    assert "rank" in printed and "posts.csv" in printed
    assert (project.folder / "report.html").read_text().rstrip().endswith("</html>")


def test_the_playground_in_one_line(project):
    """The page's command, with this image and a port that is free."""
    build, run = blocks(PAGE)[1].text.strip().split(" && ")
    assert build == "docker build --tag pgfeed ." and ":8000:8000 pgfeed " in run
    port = free_port()
    container = project.shell(run.replace("docker run", "docker run --detach").replace(
        ":8000:8000 pgfeed ", f":{port}:8000 pgfeed-test ")).strip()

    def page() -> bytes:
        assert project.shell(f"docker ps --quiet --no-trunc --filter id={container}").strip() == container
        with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
            return response.read()
        return b""

    try:
        project.wait_for(lambda: b"<title>pgfeed playground" in page())
    finally:
        project.try_shell(f"docker stop --time 1 {container}")
