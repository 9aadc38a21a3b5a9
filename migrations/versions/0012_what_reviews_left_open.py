"""What reviews left open."""

from migrations.objects import execute, install

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    execute("create index on pgfeed.recommendations (recommended_at)")
    install("functions/_model_problems", "81010735b995")
    install("procedures/drop_exposures", "962aafa86f0f")
    install("views/data_stages", "740839361c8d")


def downgrade() -> None:
    install("functions/_model_problems", "8498cfef144f")
    install("procedures/drop_exposures", "b46c37a7ab95")
    install("views/data_stages", "a2081ed5014d")
    execute("drop index pgfeed.recommendations_recommended_at_idx")
