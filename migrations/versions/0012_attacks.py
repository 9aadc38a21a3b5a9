"""What attacks found: events recorded after the clock was set back."""

from migrations.objects import install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    install("functions/_data_probes", "9246e7e83d9a")
    install("procedures/_find_stale_days", "d922812d7352")


def downgrade() -> None:
    install("functions/_data_probes", "8cf4e65f683d")
    install("procedures/_find_stale_days", "a4a4913bf5b9")
