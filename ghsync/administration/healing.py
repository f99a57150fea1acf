"""The manual look into GitHub's delivery log: what was sent and never arrived is brought in."""

from datetime import datetime

from ghsync import audit
from ghsync.actor import Actor
from ghsync.database import transaction
from ghsync.errors import NotConfigured
from ghsync.inbox.recorder import Recorder
from ghsync.reconciler.heal import heal as look
from ghsync.reconciler.reconciler import Reconciler


async def heal(reconciler: Reconciler, recorder: Recorder, since: datetime | None, *, actor: Actor) -> dict[str, int]:
    """Bring in what is missing; answers how many attempts there were, what was missing, recorded, and asked of GitHub.

    Raises `NotConfigured` where no App is set up, whose log could be read.
    """
    if not reconciler.github.has_app:
        raise NotConfigured(
            "GitHub keeps a log of deliveries for Apps, which GHSYNC_TOKEN cannot read: set GHSYNC_APP_ID and "
            "GHSYNC_PRIVATE_KEY_PATH, or let `ghsync resync --all` find what changed."
        )
    async with transaction(reconciler.engine) as conn:
        await audit.record(
            conn,
            action="delivery.heal_started",
            resource_type="webhook_delivery",
            entity_name="GitHub's delivery log",
            new_values={"since": since.isoformat() if since else None},
            actor=actor,
        )
    run, healed = await look(reconciler, recorder, since=since, priority="interactive")
    return {
        "attempts": healed.attempts,
        "missing": healed.missing,
        "recorded": healed.recorded,
        "requests": run.meter.requests,
    }
