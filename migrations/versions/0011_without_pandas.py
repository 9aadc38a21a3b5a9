"""Sessions import CatBoost without pandas."""

from migrations.objects import install

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    install("functions/recommend_posts", "6046be51f7af")
    install("functions/_shortlist", "f4716cdbc593")
    install("functions/_user_factors", "3239fbb8149d")
    install("functions/explain_recommendation", "74652b596596")
    install("functions/_model_problems", "904a86724b2d")
    install("functions/_post_factors", "69c504f8653f")
    install("functions/_unpack_factors", "605455d65a48")


def downgrade() -> None:
    install("functions/recommend_posts", "a6acc14e1107")
    install("functions/_shortlist", "7bd8f2a24e35")
    install("functions/_user_factors", "d7ad512bca03")
    install("functions/explain_recommendation", "c098b55b40a8")
    install("functions/_model_problems", "892cc35d2373")
    install("functions/_post_factors", "e8cbc92cbd33")
    install("functions/_unpack_factors", "6da68f3bdbe9")
