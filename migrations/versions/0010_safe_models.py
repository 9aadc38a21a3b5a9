"""A damaged model cannot end the session that checks it."""

from migrations.objects import install

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    install("functions/_model_problems", "201e9440dea4")


def downgrade() -> None:
    install("functions/_model_problems", "4c79a3b843cf")
