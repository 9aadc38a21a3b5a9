"""What `check` prints."""

from loader.server.check import Probe, as_table, remedies


def test_what_failed_comes_first():
    probes = [Probe("a", "ok", ""), Probe("b", "warn", "", "mend b"), Probe("c", "fail", "", "mend c"), Probe("d", "ok", "")]
    assert list(as_table(probes).columns[0].cells) == ["c", "b", "a", "d"]
    assert remedies(probes) == "fail c. Next: mend c\nwarn b. Next: mend b"
    assert remedies(probes[:1]) == "all well"
