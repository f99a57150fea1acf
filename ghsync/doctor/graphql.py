"""What GraphQL is not asked for, since the server lacks it, or a credential may not see it."""

from ghsync.database import transaction
from ghsync.doctor.finding import Finding
from ghsync.errors import GraphQLUnavailable, TooHeavy
from ghsync.github import omissions, question
from ghsync.github.client import GitHub, Meter
from ghsync.github.credentials import Credential
from ghsync.github.omissions import Omission

REMEDIES = {"installation:": "Grant the App the permission", "token:": "Give the token the scope"}
"""What to do, by who is not shown something."""


async def shown(github: GitHub, credential: Credential) -> Finding:
    """Ask what the schema knows, and whether the credential may ask for everything; no issue is read for that."""
    try:
        await question.look(github, credential, priority="interactive", meter=Meter())
        await question.ask(github, credential, "refetch", {"ids": []}, priority="interactive", meter=Meter())
    except (GraphQLUnavailable, TooHeavy) as error:
        return Finding("graphql", "warning", f"REST is asked for everything, which costs far more: {error}")
    async with transaction(github.engine) as conn:
        left_out = [one for one in await omissions.everything(conn) if _concerns(one, credential)]
    if not left_out:
        return Finding("graphql", "ok", "It knows and shows all that ghsync asks for.")
    said = "; ".join(_told(one) for one in left_out)
    remedies = [remedy for kind, remedy in REMEDIES.items() if any(one.asker.startswith(kind) for one in left_out)]
    if not remedies:
        return Finding("graphql", "warning", f"{said}.")
    return Finding("graphql", "warning", f"{said}. {' and '.join(remedies)}: it is asked for again within a day.")


def _concerns(omission: Omission, credential: Credential) -> bool:
    """Whether it is of this API, of an installation, or of the token that is used now."""
    return not omission.asker.startswith("token:") or omission.asker == credential.key


def _told(omission: Omission) -> str:
    denied = omission.who != omission.asker
    who = omission.who[:1].upper() + omission.who[1:] if denied else omission.who
    return f"{who} {'is not shown' if denied else 'does not show'} {omission.sentence}"
