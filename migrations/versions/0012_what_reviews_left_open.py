"""What reviews left open."""

from migrations.objects import install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    install("functions/_model_problems", "81010735b995")
    install("procedures/drop_exposures", "962aafa86f0f")


def downgrade() -> None:
    install("functions/_model_problems", "8498cfef144f")
    install("procedures/drop_exposures", "b46c37a7ab95")
