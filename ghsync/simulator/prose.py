"""Text as people and bots write it into repositories: invented, and the same for the same random numbers."""

from random import Random

THINGS = (
    "cache", "parser", "login page", "export", "importer", "search index", "settings dialog", "scheduler", "retry loop",
    "upload", "session store", "mail queue", "rate limiter", "report", "installer", "sync job", "date picker",
    "access log", "backup", "feature flag", "webhook sender", "migration", "tooltip", "dark theme", "billing run",
)  # fmt: skip
FAULTS = (
    "loses entries", "stops answering", "shows yesterday's numbers", "fails without a message", "counts twice",
    "ignores the time zone", "blocks the main thread", "leaks file handles", "forgets the last page",
    "sorts the wrong way", "crashes on an empty list", "is slow with many rows", "rejects umlauts",
)  # fmt: skip
CIRCUMSTANCES = (
    "after an update", "on a slow network", "when two people edit", "with the new driver", "at midnight", "in Firefox",
    "behind a proxy", "for guests", "on the first start", "while a backup runs", "after a restart", "with large files",
)  # fmt: skip
DEEDS = (
    "Cache", "Simplify", "Speed up", "Document", "Test", "Rewrite", "Remove", "Split", "Harden", "Log", "Validate",
    "Retry", "Limit",
)  # fmt: skip
REASONS = (
    "It was slower than the network.", "Nobody used it any more.", "Two customers asked for it.",
    "The old one could not be tested.", "It is the third time that this breaks.", "The profiler pointed here.",
    "This is what the documentation has promised all along.",
)  # fmt: skip
REMARKS = (
    "I see the same here.", "Can you say which version that is?", "Fixed on the branch, please try.",
    "Works for me now.",
    "That is a different problem; I have opened another issue.", "Thanks, that helps a lot!", "Sollte jetzt gehen 👍",
    "Could we do this without another dependency?", "I would leave it as it is.", "Bisected: it began last Tuesday.",
    "The log is attached.\r\n\r\n```\nERROR timeout after 30 s\n```", "やはり再現します。", "Any news on this?",
)  # fmt: skip
VERDICTS = (
    "Looks good.",
    "Nice and small.",
    "One question below.",
    "Please add a test.",
    "Not like this, sorry.",
    None,
)
QUESTIONS = ("Why not earlier?", "Is this ever null?", "A name that says more?", "Does this need a lock?")
FOLDERS = ("src", "lib", "tests", "docs", "tools")
NAMES = ("amber", "birch", "cobalt", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper", "krill", "lumen")
KINDS = ("api", "web", "docs", "core", "tools", "agent", "worker", "console", "sdk", "site", "infra", "charts")
FIRST_NAMES = ("anouk", "bram", "chidi", "dora", "emre", "freya", "goran", "hana", "imke", "jonas", "kemal", "lior")
LAST_NAMES = ("adler", "blom", "costa", "dahl", "eriksen", "fuchs", "grau", "holm", "ito", "jensen", "klee", "lund")
LABELS = (
    ("bug", "d73a4a", "Something does not work"),
    ("documentation", "0075ca", "Only words"),
    ("duplicate", "cfd3d7", "There is one already"),
    ("enhancement", "a2eeef", "Something could work better"),
    ("good first issue", "7057ff", "A place to start"),
    ("performance", "fbca04", None),
    ("security", "b60205", "Look at this first"),
    ("wontfix", "ffffff", None),
)
CHECKS = ("build", "lint", "test (3.11)", "test (3.12)", "types", "CodeQL", "e2e / chromium")
CONTEXTS = ("ci/build", "codecov/project", "deploy/preview", "license/cla")
COVERAGE = ("codecov/patch", "codecov/project", "coverage/coveralls")
SCANNERS = ("CodeQL", "Semgrep", "Snyk", "Trivy", "gitleaks")
LATER_JOBS = ("deploy", "publish", "report")
WORKFLOWS = ("CI", "CI", "CI", "Nightly")
RULES = (
    ("py/sql-injection", "SQL query built from user-controlled sources", "error", "high"),
    ("py/path-injection", "Uncontrolled data used in path expression", "error", "critical"),
    ("py/weak-sensitive-data-hashing", "Use of a broken hash for sensitive data", "warning", "medium"),
    ("py/clear-text-logging", "Clear-text logging of sensitive information", "warning", "low"),
    ("py/unused-import", "Unused import", "note", None),
)
PACKAGES = (
    ("pip", "requests", "requirements.txt", "< 2.32.0", "2.32.0", "Requests keeps a verification off", "medium"),
    ("pip", "jinja2", "requirements.txt", "< 3.1.6", "3.1.6", "Jinja breaks out of its sandbox", "high"),
    ("npm", "braces", "web/package-lock.json", "< 3.0.3", "3.0.3", "Braces takes too much memory", "high"),
    ("npm", "left-trim", "web/package-lock.json", "<= 1.0.0", None, "Left-trim trims the right", "low"),
)
VERSIONS = ("v0.8.0", "v0.9.0", "v1.0.0-rc.1", "v1.0.0")
SECRETS = (("npm_access_token", "npm Access Token"), ("slack_incoming_webhook_url", "Slack Incoming Webhook URL"))


def repository_name(number: int) -> str:
    """The name of the nth repository; no two are the same."""
    kind, name = KINDS[number % len(KINDS)], NAMES[number // len(KINDS) % len(NAMES)]
    round_number = number // (len(KINDS) * len(NAMES))
    return f"{name}-{kind}" if round_number == 0 else f"{name}-{kind}-{round_number + 1}"


def login(number: int) -> str:
    """The login of the nth person; no two are the same."""
    first, last = FIRST_NAMES[number % len(FIRST_NAMES)], LAST_NAMES[number // len(FIRST_NAMES) % len(LAST_NAMES)]
    round_number = number // (len(FIRST_NAMES) * len(LAST_NAMES))
    return f"{first}-{last}" if round_number == 0 else f"{first}-{last}{round_number + 1}"


def complaint(random: Random) -> str:
    """The title of an issue."""
    return f"The {random.choice(THINGS)} {random.choice(FAULTS)} {random.choice(CIRCUMSTANCES)}"


def deed(random: Random) -> str:
    """The title of a pull request, or the message of a commit."""
    return f"{random.choice(DEEDS)} the {random.choice(THINGS)}"


def report(random: Random) -> str | None:
    """The text of an issue; some leave it empty."""
    if random.random() < 0.1:
        return None
    steps = "\r\n".join(f"{number}. open the {random.choice(THINGS)}" for number in range(1, random.randint(2, 5)))
    return f"What I did:\r\n\r\n{steps}\r\n\r\nIt {random.choice(FAULTS)} {random.choice(CIRCUMSTANCES)}."


def explanation(random: Random, closes: int | None) -> str | None:
    """The text of a pull request, which may say that it closes an issue."""
    if closes is None and random.random() < 0.2:
        return None
    closing = "" if closes is None else f"\r\n\r\n{random.choice(('Fixes', 'Closes', 'resolves'))} #{closes}"
    return f"{random.choice(REASONS)}{closing}"


def notes(random: Random) -> str | None:
    """What a release says of itself; some say nothing."""
    if random.random() < 0.2:
        return None
    changes = "\r\n".join(f"* {deed(random)}" for _ in range(random.randint(1, 4)))
    return f"## What's changed\r\n\r\n{changes}"


def path(random: Random) -> str:
    """A file's path."""
    return f"{random.choice(FOLDERS)}/{random.choice(THINGS).replace(' ', '_')}.py"


def branch(random: Random, number: int) -> str:
    """A branch's name, of its own by a number."""
    return f"{random.choice(DEEDS).lower().replace(' ', '-')}-{random.choice(THINGS).replace(' ', '-')}-{number}"


def stated(context: str, covered: float, more: float, base_sha: str) -> str:
    """What a status of a context says of itself, in the words of those who set such ones; the numbers are percents."""
    if context == "codecov/project":
        return f"{covered:.2f}% ({more:+.2f}%) compared to {base_sha[:7]}"
    if context == "codecov/patch":
        return f"{covered:.2f}% of diff hit (target {covered - more:.2f}%)"
    if context == "coverage/coveralls":
        return f"Coverage {'decreased' if more < 0 else 'increased'} ({more:+.1f}%) to {covered:.1f}%"
    return f"Took {covered:.0f} s"
