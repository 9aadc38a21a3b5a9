"""Features that compare a post with the catalogue, and a user's taste by popularity."""

from migrations.objects import install

revision = "0020"
down_revision = "0010"


def upgrade() -> None:
    install("functions/_model_problems", "055d9cf3ae8b")
    install("functions/recommend_posts", "61521b464cff")
    install("functions/_post_factors", "87312db88ba7")
    install("functions/_user_factors", "ac75f9426dd6")
    install("functions/_unpack_factors", "dcd2e634f619")
    install("functions/_shortlist", "7b09ef119369")
    install("functions/explain_recommendation", "62523a626db7")


def downgrade() -> None:
    install("functions/_model_problems", "41eab4b285a1")
    install("functions/recommend_posts", "7fefd2e7f25f")
    install("functions/_post_factors", "bdcaf1d22eb1")
    install("functions/_user_factors", "b730a31675d3")
    install("functions/_unpack_factors", "31091321cbd3")
    install("functions/_shortlist", "a8f874500054")
    install("functions/explain_recommendation", "a897ac4e7339")
