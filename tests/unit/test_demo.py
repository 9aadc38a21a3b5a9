"""What the demonstration prints."""

from loader.demo import address


def test_the_address_has_no_password(monkeypatch):
    monkeypatch.setenv("PGFEED_URL", "postgresql://pgfeed:s3_cr-t~.@127.0.0.1:5432/pgfeed")
    assert address().startswith("postgresql://pgfeed:***@127.0.0.1:5432/pgfeed ") and "s3" not in address()
    monkeypatch.delenv("PGFEED_URL")
    assert address() == "the address in PGFEED_DSN"
