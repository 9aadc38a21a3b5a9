"""Features that compare a post with the catalogue, and a user's taste by popularity."""

from migrations.objects import install

revision = "0020"
down_revision = "0010"


def upgrade() -> None:
    install("functions/_model_problems", "531eecbf4c41")
    install("functions/recommend_posts", "fd567f0939db")
    install("functions/_post_factors", "faa5f9641291")
    install("functions/_user_factors", "0b4304f8002c")
    install("functions/_unpack_factors", "4e21630e93c0")
    install("functions/_shortlist", "0e76882749e6")
    install("functions/explain_recommendation", "8f1f205eb460")


def downgrade() -> None:
    install("functions/_model_problems", "41eab4b285a1")
    install("functions/recommend_posts", "7fefd2e7f25f")
    install("functions/_post_factors", "bdcaf1d22eb1")
    install("functions/_user_factors", "b730a31675d3")
    install("functions/_unpack_factors", "31091321cbd3")
    install("functions/_shortlist", "a8f874500054")
    install("functions/explain_recommendation", "a897ac4e7339")
