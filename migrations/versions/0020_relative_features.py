"""Features that compare a post with the catalogue, and a user's taste by popularity."""

from migrations.objects import install

revision = "0020"
down_revision = "0010"


def upgrade() -> None:
    install("functions/_model_problems", "b0251b563df4")
    install("functions/recommend_posts", "325bb2cf1db6")
    install("functions/_post_factors", "9a5a3ab1f97c")
    install("functions/_user_factors", "69675965a78c")
    install("functions/_unpack_factors", "947ea618f5ac")
    install("functions/_shortlist", "3f85bd46794c")
    install("functions/explain_recommendation", "c6d8009f346e")


def downgrade() -> None:
    install("functions/_model_problems", "41eab4b285a1")
    install("functions/recommend_posts", "7fefd2e7f25f")
    install("functions/_post_factors", "bdcaf1d22eb1")
    install("functions/_user_factors", "b730a31675d3")
    install("functions/_unpack_factors", "31091321cbd3")
    install("functions/_shortlist", "a8f874500054")
    install("functions/explain_recommendation", "a897ac4e7339")
