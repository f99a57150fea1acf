"""Say of runs and jobs what they hold by now, and ask for deliveries that could not be read by their GUID alone."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

COMMENTS = {
    "sync_runs.last_error": ("What stopped it", "What stopped it, or what it could not read"),
    "sync_jobs.attempts": ("Failures so far", "Attempts so far that failed, or that decided nothing"),
}


def upgrade() -> None:
    for column, (_, now) in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN {column} IS '{now}'")
    op.execute("""
        DELETE FROM sync_jobs j USING sync_jobs newer
        WHERE j.kind = 'heal' AND newer.kind = 'heal' AND split_part(j.key, ' ', 2) = split_part(newer.key, ' ', 2)
          AND j.key LIKE '% %' AND j.id < newer.id""")
    op.execute("""
        UPDATE sync_jobs SET key = split_part(key, ' ', 2),
               payload = jsonb_build_object('attempt', split_part(key, ' ', 1)::bigint)
        WHERE kind = 'heal' AND key ~ '^[0-9]{1,18} .'""")


def downgrade() -> None:
    for column, (before, _) in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN {column} IS '{before}'")
    op.execute("""
        UPDATE sync_jobs SET key = concat_ws(' ', payload ->> 'attempt', key), payload = payload - 'attempt'
        WHERE kind = 'heal' AND payload ? 'attempt'""")
