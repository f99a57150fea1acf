"""What GraphQL is not asked for, since the server lacks it, or a credential may not see it."""

from ghsync.database import transaction
from ghsync.doctor.finding import Finding
from ghsync.errors import GraphQLUnavailable, TooHeavy
from ghsync.github import omissions, question
from ghsync.github.client import GitHub, Meter
from ghsync.github.credentials import Credential


async def shown(github: GitHub, credential: Credential) -> Finding:
    """Ask what the schema knows, and whether the credential may ask for everything; no issue is read for that."""
    try:
        await question.look(github, credential, priority="interactive", meter=Meter())
        await question.ask(github, credential, "refetch", {"ids": []}, priority="interactive", meter=Meter())
    except (GraphQLUnavailable, TooHeavy) as error:
        return Finding("graphql", "warning", f"REST is asked for everything, which costs far more: {error}")
    async with transaction(github.engine) as conn:
        left_out = await omissions.everything(conn)
    if not left_out:
        return Finding("graphql", "ok", "It knows and shows all that ghsync asks for.")
    said = "; ".join(f"{one.asker} does not show {one.sentence}" for one in left_out)
    remedy = "grant the permission, or the token the scope read:org, and it is asked for within a day"
    lacks_alone = all(one.asker == github.api_url for one in left_out)
    return Finding("graphql", "warning", f"{said}." if lacks_alone else f"{said}: {remedy}.")
