"""warm_up(), health(), and roll-ups after a restore without data."""

from migrations.objects import execute, install

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    execute("""
        create type pgfeed.probe as (
            name text,
            status text,
            found text,
            remedy text
        );
        alter type pgfeed.probe owner to pgfeed_owner;
        comment on type pgfeed.probe is 'One row per thing that health() looks at';
        comment on column pgfeed.probe.status is 'ok, warn (works, but look at it) or fail';
        comment on column pgfeed.probe.remedy is 'The command that mends it; null: ok';
    """)
    install("functions/_probe", "5f31cb60bbc9")
    install("functions/_python_versions", "3cc1a4bd57dc")
    install("functions/_job_sessions", "221e26f89a20")
    install("functions/_server_probes", "7c8deeedee9f")
    install("functions/_data_probes", "59ac8919a89b")
    install("functions/_serving_probes", "9eae1a64afe4")
    install("functions/_job_probes", "3180f53bd360")
    install("functions/health", "1d2ee00caa88")
    install("procedures/_find_stale_days", "a4a4913bf5b9")
    install("functions/warm_up", "ab0713cd4660")


def downgrade() -> None:
    install("procedures/_find_stale_days", "548d064d4f33")
    execute("""
        drop function pgfeed.warm_up();
        drop function pgfeed.health();
        drop function pgfeed._job_probes();
        drop function pgfeed._serving_probes();
        drop function pgfeed._data_probes();
        drop function pgfeed._server_probes();
        drop function pgfeed._job_sessions(text);
        drop function pgfeed._python_versions();
        drop function pgfeed._probe(text, text[], text[], text, text);
        drop type pgfeed.probe;
    """)
