"""The App's webhook, and how its latest deliveries fared.

https://docs.github.com/en/rest/apps/webhooks
"""

import re
from collections import Counter
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import msgspec
import sqlalchemy as sa

from ghsync.database import transaction
from ghsync.doctor.finding import Finding
from ghsync.doctor.here import LOOPBACK
from ghsync.doctor.question import ask
from ghsync.github.client import GitHub
from ghsync.github.decoding import decoded

WEBHOOK_PATH = "/webhooks/github"
LOOKED_AT = 100
RECENT = timedelta(days=1)

# What a failed delivery means, by its status; 0 where there was no answer.
_REMEDIES = {
    0: "GitHub gets no answer: check the address, its certificate and the firewall",
    401: "GHSYNC_WEBHOOK_SECRETS lacks the secret that GitHub signs with: add the App's webhook secret",
    404: f"nothing answers there: the webhook's URL has to end in {WEBHOOK_PATH}",
    405: f"nothing answers there: the webhook's URL has to end in {WEBHOOK_PATH}",
    413: "a proxy before ghsync refuses large bodies: let it pass 25 MiB",
    502: "the proxy before ghsync gets no answer: check that `ghsync serve` runs",
    503: "ghsync could not commit: check the database",
    504: "the proxy before ghsync gets no answer: check that `ghsync serve` runs",
}

UNANSWERED = re.compile(r"failed to connect|timed out", re.IGNORECASE)
"""What GitHub says, with 502 and 504, where nobody has answered it; where a proxy has, it says that it did, and what.

https://docs.github.com/en/webhooks/testing-and-troubleshooting-webhooks/troubleshooting-webhooks
"""

UNREACHED = "nobody answered at the webhook's URL: check that `ghsync serve` runs there, and that GitHub can reach it"


class _Hook(msgspec.Struct, frozen=True):
    url: str = ""
    insecure_ssl: str | int = "0"
    secret: str = ""


class _Delivery(msgspec.Struct, frozen=True):
    guid: str
    delivered_at: datetime
    status: str = ""
    status_code: int = 0

    @property
    def failed(self) -> bool:
        return not 200 <= self.status_code < 300


_HERE = sa.text("SELECT guid FROM webhook_deliveries WHERE guid = ANY(:guids)")

_hook = msgspec.json.Decoder(_Hook)
_deliveries = msgspec.json.Decoder(list[_Delivery])


async def address(github: GitHub) -> Finding:
    """Where GitHub sends deliveries, and whether it signs them."""
    body = await ask(github, github.app, lambda requests: requests.rest.apps.async_get_webhook_config_for_app())
    configured = decoded(body, _hook, "The webhook's configuration")
    if not configured.url:
        said = "The App has no webhook URL: set it on the App's page, or let `ghsync serve --pull` ask for deliveries."
        return Finding("hook", "warning", said)
    if not configured.secret:
        said = "The App's webhook has no secret, so that ghsync refuses its deliveries: set one on the App's page."
        return Finding("hook", "failed", said)
    url = urlsplit(configured.url)
    if not url.path.endswith(WEBHOOK_PATH):
        return Finding("hook", "warning", f"{configured.url} does not end in {WEBHOOK_PATH}: does a proxy see to that?")
    is_open = url.scheme != "https" or str(configured.insecure_ssl) == "1"
    if is_open and url.hostname not in LOOPBACK:
        said = f"{configured.url} is open to eavesdroppers: use https://, and let GitHub verify the certificate."
        return Finding("hook", "warning", said)
    return Finding("hook", "ok", f"GitHub delivers to {configured.url}.")


async def deliveries(github: GitHub) -> Finding:
    """How the latest deliveries fared; one that succeeded when it was redelivered counts as delivered."""
    body = await ask(
        github, github.app, lambda requests: requests.rest.apps.async_list_webhook_deliveries(per_page=LOOKED_AT)
    )
    latest: dict[str, _Delivery] = {}
    for attempt in decoded(body, _deliveries, "The log of deliveries"):  # the newest first
        if attempt.delivered_at > github.now() - RECENT:
            latest.setdefault(attempt.guid, attempt)
    if not latest:
        return Finding("deliveries", "ok", "GitHub has sent none in the last day.")
    failed = {guid: attempt for guid, attempt in latest.items() if attempt.failed}
    if not failed:
        return Finding("deliveries", "ok", f"The last {len(latest)} have arrived.")
    async with transaction(github.engine) as conn:
        here = set(await conn.scalars(_HERE, {"guids": list(failed)}))
    still = next(iter(latest.values())).failed
    if here >= failed.keys() and not still:
        return Finding(
            "deliveries", "ok", f"The last {len(latest)} have arrived, {len(failed)} of them later than sent."
        )
    causes = Counter(_cause(attempt) for guid, attempt in failed.items() if still or guid not in here)
    said = "; ".join(f"{number} of the last {len(latest)} failed: {cause}" for cause, number in causes.most_common())
    missing = failed.keys() - here
    then = f"; `ghsync heal` brings in the {len(missing)} that are missing" if missing else ""
    return Finding("deliveries", "failed" if still else "warning", f"{said}{then}.")


def _cause(attempt: _Delivery) -> str:
    if attempt.status_code in (502, 504) and UNANSWERED.search(attempt.status):
        return UNREACHED
    return _REMEDIES.get(attempt.status_code, f"the answer was {attempt.status_code} {attempt.status}".rstrip())
