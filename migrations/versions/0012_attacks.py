"""What attacks found: events recorded after the clock was set back, texts too long for an answer."""

from migrations.objects import execute, install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute("""
        -- An answer of more than 1 GB is an error: a few such posts would be one for everybody.
        alter table pgfeed.posts add constraint posts_text_check check (octet_length(text) <= 20000000) not valid;
    """)
    install("functions/_data_probes", "9246e7e83d9a")
    install("procedures/_find_stale_days", "d922812d7352")


def downgrade() -> None:
    execute("alter table pgfeed.posts drop constraint posts_text_check")
    install("functions/_data_probes", "8cf4e65f683d")
    install("procedures/_find_stale_days", "a4a4913bf5b9")
