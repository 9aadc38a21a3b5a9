"""What `check` prints."""

from loader.cli.server import probe_table, remedies_of
from loader.server.check import Probe, by_urgency


def test_what_failed_comes_first():
    probes = [Probe("a", "ok", ""), Probe("b", "warn", "", "mend b"), Probe("c", "fail", "", "mend c"),
              Probe("d", "ok", "")]
    urgent = by_urgency(probes)
    assert list(probe_table(urgent).columns[0].cells) == ["c", "b", "a", "d"]
    assert remedies_of(urgent) == "fail c. Next: mend c\nwarn b. Next: mend b"
    assert remedies_of(probes[:1]) == "all well"
