"""What a database wants done now and then: `pr_tracking` derived anew, secrets encrypted anew, jobs tried again."""

from collections.abc import Callable

from sqlalchemy.ext.asyncio import AsyncEngine

from ghsync import audit, encrypted, jobs
from ghsync.actor import Actor
from ghsync.database import transaction
from ghsync.encryption import Encryption
from ghsync.verification import recomputation


async def recompute_tracking(engine: AsyncEngine, watch: Callable[[int, int], None], *, actor: Actor) -> dict[str, int]:
    """Derive every row of `pr_tracking` anew; answers of how many pull requests, and how many became others."""
    async with transaction(engine) as conn:
        await audit.record(
            conn,
            action="pr_tracking.recompute_started",
            resource_type="pr_tracking",
            entity_name="every pull request",
            actor=actor,
        )
    done = await recomputation.recompute(engine, watch)
    return {"derived": done.pull_requests, "changed": done.changed}


async def retry_jobs(engine: AsyncEngine, *, actor: Actor) -> int:
    """Make due what failed too often to be tried by itself; answers how many jobs that were."""
    async with transaction(engine) as conn:
        retried = await jobs.retry(conn)
        await audit.record(
            conn,
            action="jobs.retried",
            resource_type="sync_job",
            entity_name="every job that was parked",
            new_values={"jobs": retried},
            actor=actor,
        )
    return retried


async def encrypt_anew(engine: AsyncEngine, encryption: Encryption, *, actor: Actor) -> dict[str, dict[str, int]]:
    """Bring all secrets under the first key; answers by column how many were ``renewed``, and are ``unreadable``.

    Raises `NotConfigured` without a key.
    """
    done = await encrypted.renew(engine, encryption)
    told = {
        each.column: {"stored": each.counts.total(), "renewed": each.counts["older"], "unreadable": each.lost}
        for each in done
        if each.counts
    }
    async with transaction(engine) as conn:
        await audit.record(
            conn,
            action="secrets.encrypted_anew",
            resource_type="encryption_key",
            entity_name="every secret in the database",
            new_values=told,
            actor=actor,
        )
    return told
