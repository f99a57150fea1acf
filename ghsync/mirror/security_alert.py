"""Alerts of code scanning, Dependabot and secret scanning.

Payloads: https://docs.github.com/en/rest/code-scanning/code-scanning, https://docs.github.com/en/rest/dependabot/alerts
and https://docs.github.com/en/rest/secret-scanning/secret-scanning
Only code scanning says where it last saw something: at a commit of a branch, or of a pull request. That an alert was
fixed, dismissed or taken up again, its events may tell without a time of change, and then are as new as their delivery:
https://docs.github.com/en/webhooks/webhook-events-and-payloads#code_scanning_alert
"""

import re

import sqlalchemy as sa
from msgspec import Struct

from ghsync.database import metadata, moment, one_of, uuid_key
from ghsync.mirror.noun import Group, Noun, Origin, Row, its_repository, mirror_columns, version_columns
from ghsync.mirror.user import Integer, Time, time

KINDS = ("code_scanning", "dependabot", "secret_scanning")

_PULL_REQUEST_REF = re.compile(r"refs/pull/(\d{1,9})/(?:merge|head)")

table = sa.Table(
    "github_security_alerts",
    metadata,
    uuid_key(),
    its_repository(),
    sa.Column("kind", sa.String(20), nullable=False, comment="Which of GitHub's scanners found it"),
    sa.Column("number", sa.Integer, nullable=False, comment="Number within the repository and the kind"),
    sa.Column("state", sa.String(50), nullable=False, comment="open, fixed, dismissed, auto_dismissed or resolved"),
    sa.Column("severity", sa.String(50), comment="critical, high, medium, low; or error, warning, note"),
    sa.Column("rule", sa.Text, comment="Rule, advisory or type of secret"),
    sa.Column("tool", sa.String(255), comment="Tool that found it"),
    sa.Column("summary", sa.Text, comment="What it is, in a line"),
    sa.Column("ref", sa.Text, comment="Where code scanning saw it last: refs/heads/... or refs/pull/N/merge"),
    sa.Column("commit_sha", sa.String(64), comment="Commit at which code scanning saw it last"),
    sa.Column("pull_request_number", sa.Integer, comment="The pull request that ref names, if it does"),
    sa.Column("html_url", sa.Text, comment="Page on GitHub"),
    moment("created_at", "When it was found"),
    moment("closed_at", "When it was fixed, dismissed or resolved"),
    *mirror_columns(),
    *version_columns("instance"),
    sa.UniqueConstraint("repository_id", "kind", "number"),
    one_of("kind", KINDS),
    comment="Security alerts of mirrored repositories",
)
sa.Index(
    "idx_github_security_alerts_open",
    table.c.repository_id,
    postgresql_where=(table.c.state == "open") & table.c.deleted_at.is_(None),
)

# How it stands, and where that was seen: not every reading of an alert knows the place that a hook told of.
INSTANCE = Group("instance", ("state", "ref", "commit_sha", "pull_request_number", "closed_at"), undated="as_asked")

noun = Noun(
    table,
    "alert",
    key=("repository_id", "kind", "number"),
    refetch="repository",
    groups=(INSTANCE,),
    undated="as_asked",
    belongs_to="pull_request_number",
)


class Rule(Struct, frozen=True):
    """The rule of code scanning that was broken."""

    id: str | None = None
    description: str | None = None
    severity: str | None = None
    security_severity_level: str | None = None


class Tool(Struct, frozen=True):
    """The tool that found it."""

    name: str | None = None


class Instance(Struct, frozen=True):
    """Where code scanning saw it last."""

    ref: str | None = None
    commit_sha: str | None = None


class Advisory(Struct, frozen=True):
    """What Dependabot warns of."""

    ghsa_id: str | None = None
    summary: str | None = None
    severity: str | None = None


class Payload(Struct, frozen=True):
    """An ``alert`` object of any kind."""

    number: Integer
    state: str | None = None
    html_url: str | None = None
    rule: Rule | None = None
    tool: Tool | None = None
    most_recent_instance: Instance | None = None
    security_advisory: Advisory | None = None
    secret_type: str | None = None
    secret_type_display_name: str | None = None
    resolution: str | None = None
    created_at: Time = None
    updated_at: Time = None
    fixed_at: Time = None
    dismissed_at: Time = None
    auto_dismissed_at: Time = None
    resolved_at: Time = None


def row(payload: Payload, kind: str, origin: Origin, *, placed: bool = True) -> Row:
    """The row of an ``alert`` of this kind; one that is not ``placed`` says nothing of where it was seen."""
    rule, advisory = payload.rule or Rule(), payload.security_advisory or Advisory()
    instance = payload.most_recent_instance or Instance()
    named = _PULL_REQUEST_REF.fullmatch(instance.ref or "")
    ended = (payload.fixed_at, payload.dismissed_at, payload.auto_dismissed_at, payload.resolved_at)
    return {
        "kind": kind,
        "number": payload.number,
        "state": payload.state or ("resolved" if payload.resolution or payload.resolved_at else "open"),
        "severity": rule.security_severity_level or rule.severity or advisory.severity,
        "rule": rule.id or advisory.ghsa_id or payload.secret_type,
        "tool": payload.tool.name if payload.tool else None,
        "summary": rule.description or advisory.summary or payload.secret_type_display_name,
        "ref": instance.ref,
        "commit_sha": instance.commit_sha,
        "pull_request_number": int(named[1]) if named else None,
        "html_url": payload.html_url,
        "created_at": time(payload.created_at),
        "updated_at": time(payload.updated_at),
        "closed_at": next(filter(None, map(time, ended)), None),
        "deleted_at": None,
        INSTANCE.updated_at: time(payload.updated_at) if placed else None,
        INSTANCE.observed_at: origin.observed_at if placed else None,
        **origin.columns(),
    }
