"""Statements that Citus takes: no functions beside distributed tables, no calls that read within an insert."""

from migrations.objects import execute, install

revision = "0020"
down_revision = "0010"


def upgrade() -> None:
    install("functions/_user_profiles", "35ef076aafa6")
    install("functions/user_features_as_of", "b813c234888c")
    install("functions/_request_users", "77a8d8c5e95b")
    install("functions/_fill_recommendation_chunk", "64bbc9dd63b3")
    install("functions/_data_probes", "af0aafaa68f9")
    install("procedures/drop_exposures", "95716f5949cb")


def downgrade() -> None:
    install("procedures/drop_exposures", "63cef229320f")
    install("functions/_data_probes", "59ac8919a89b")
    install("functions/_fill_recommendation_chunk", "4a2a580f6f07")
    install("functions/_request_users", "7d7fc054c7d9")
    install("functions/user_features_as_of", "644f5cd04218")
    execute("drop function pgfeed._user_profiles(bigint[]);")
