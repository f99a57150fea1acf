"""`app`: the GitHub App, what it may do, and the secret of its webhook."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ghsync.administration import rotation
from ghsync.cli import arguments, doctor, reading, terminal
from ghsync.cli.program import program
from ghsync.doctor import there
from ghsync.doctor.finding import Finding
from ghsync.encryption import Encryption
from ghsync.errors import NotConfigured
from ghsync.github.client import NO_APP
from ghsync.reconciler.reconciler import Reconciler
from ghsync.settings import Settings

app = program(help="The GitHub App: what it may do, and the secret of its webhook.")


@app.command()
def check(as_json: arguments.Json = False) -> None:
    """Check the App's permissions, events, installations and webhook.

    `ghsync doctor` does so, too, and checks settings and database before.
    """
    found = reading.run(_check, writes=False)
    if as_json:
        terminal.print_json([asdict(each) for each in found])
    else:
        for each in found:
            terminal.console.print(doctor.line(each))
    if any(each.state == "failed" for each in found):
        raise typer.Exit(terminal.FAILED)


async def _check(reconciler: Reconciler, loaded: Settings) -> list[Finding]:
    if not reconciler.github.has_app:
        raise NotConfigured(NO_APP)
    return [found async for found in there.findings(reconciler.github, loaded)]


@app.command("rotate-secret")
def rotate_secret(
    secret_file: Annotated[
        Path | None,
        typer.Option("--secret-file", metavar="FILE", help="The new secret; `-` is standard input. Else one is made."),
    ] = None,
    grace: arguments.Grace = "1h",
    as_json: arguments.Json = False,
) -> None:
    """Replace the secret of the App's webhook; no delivery is lost.

    The new one is stored encrypted in the database. When every `ghsync serve`
    accepts it, GitHub is told to sign with it, and to send a delivery again, to
    show that it does. Run again after it was stopped, it goes on where it was.
    """
    grace_seconds = arguments.span(grace).total_seconds()
    given = None if secret_file is None else arguments.secret_in(secret_file)
    tell = (lambda sentence: None) if as_json else terminal.console.print
    done = reading.run(lambda reconciler, loaded: _rotate(reconciler, loaded, given, grace_seconds, tell))
    if as_json:
        terminal.print_json(done)
        return
    if not done["proved"]:
        terminal.note("GitHub has no delivery that it could send again, so that none has shown it yet.")
    for sentence in done["left_to_do"]:
        terminal.console.print(sentence, markup=False, soft_wrap=True)


async def _rotate(
    reconciler: Reconciler, loaded: Settings, given: str | None, grace_seconds: float, tell: rotation.Tell
) -> dict[str, Any]:
    done = await rotation.rotate(
        reconciler.github,
        Encryption(loaded.encryption_keys),
        given,
        grace_seconds=grace_seconds,
        actor=terminal.operator(),
        tell=tell,
    )
    return {**asdict(done), "left_to_do": _left_to_do(loaded, done.replaced_counts_until)}


def _left_to_do(loaded: Settings, until: Any) -> list[str]:
    if not loaded.webhook_secrets:
        return []
    said = (
        f"After {terminal.moment(until)}, take the old secret out of GHSYNC_WEBHOOK_SECRETS and restart ghsync, unless "
        "the webhook of a repository is signed with it. Where nothing else is in that setting, leave it out."
    )
    return [said]
