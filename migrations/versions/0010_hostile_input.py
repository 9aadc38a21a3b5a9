"""A damaged model cannot end the session that checks it; no topic is too long for the roll-ups."""

from migrations.objects import execute, install

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    execute("alter table pgfeed.posts add check (octet_length(topic) <= 2000) not valid")  # an index entry must hold it
    install("functions/_model_problems", "201e9440dea4")


def downgrade() -> None:
    install("functions/_model_problems", "4c79a3b843cf")
    execute("alter table pgfeed.posts drop constraint posts_topic_check")
