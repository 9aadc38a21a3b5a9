"""health() says which users a batch of recommendations was for."""

from migrations.objects import install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    install("functions/_job_probes", "943447e2beb4")


def downgrade() -> None:
    install("functions/_job_probes", "c1944b6b4e22")
