"""The audit log: one row for every administrative act.

The table is seed 000's ``audit_logs`` with what seed 001's ``audit_logs_enhanced`` adds. Where both say the
same, 000's name stands: ``resource_type`` is 001's ``entity_type``, ``resource_id`` its ``entity_id``,
``created_at`` its ``timestamp``. Everything else of 001 stays under its own name. ``resource_id`` may be
null, as in 000: not everything that is administered has a UUID, and ``entity_name`` says what it was.
"""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncConnection

from ghsync import partitions
from ghsync.actor import Actor
from ghsync.database import document, metadata, moment, one_of, reference

RESULTS = ("success", "failure", "partial", "denied")
SECURITY_LEVELS = ("low", "normal", "elevated", "high", "critical")
CLASSIFICATIONS = ("public", "internal", "confidential", "restricted")

audit_logs = sa.Table(
    "audit_logs",
    metadata,
    sa.Column("id", sa.UUID(as_uuid=False), nullable=False, server_default=sa.text("gen_random_uuid()"), comment="Key"),
    reference("user_id", "users.id", "The user who acted, when it was one"),
    reference("organization_id", "organizations.id", "The organization it happened in", index=False),
    sa.Column("action", sa.String(255), nullable=False, comment="What was done, such as delivery.replayed"),
    sa.Column("resource_type", sa.String(100), nullable=False, comment="Kind of thing it was done to"),
    sa.Column("resource_id", sa.UUID(as_uuid=False), comment="Key of that thing, when it has a UUID"),
    document("old_values", "Values of the changed fields before", default=None),
    document("new_values", "Values of the changed fields after", default=None),
    sa.Column("ip_address", INET, comment="Address the act came from"),
    sa.Column("user_agent", sa.Text, comment="Program the act came from"),
    moment("created_at", "When it happened", default=True, nullable=False),
    sa.Column("entity_name", sa.String(255), comment="Name of the thing for people: a GUID, owner/name"),
    sa.Column(
        "action_category",
        sa.String(50),
        nullable=False,
        server_default="data",
        comment="Sort of act: data, security, configuration, ...",
    ),
    sa.Column("action_result", sa.String(50), server_default="success", comment="How the act ended"),
    document("changed_fields", "Names of the changed fields", default="[]"),
    sa.Column(
        "actor_type",
        sa.String(50),
        nullable=False,
        server_default="user",
        comment="Sort of actor: user, agent, system, ...",
    ),
    sa.Column("actor_id", sa.String(255), comment="Id of the actor in the actor's own system"),
    sa.Column("actor_name", sa.String(255), comment="Name of the actor for people"),
    reference("session_id", "agent_sessions.id", "The agent session that acted"),
    reference("workflow_id", "workflows.id", "The workflow it was part of"),
    reference("task_id", "tasks.id", "The task it was part of"),
    sa.Column("request_id", sa.String(255), comment="Id of the request that caused it"),
    sa.Column("correlation_id", sa.String(255), comment="Id shared by everything one cause brought about"),
    sa.Column("request_method", sa.String(10), comment="HTTP method of the request"),
    sa.Column("request_url", sa.Text, comment="URL of the request"),
    sa.Column("duration_ms", sa.Integer, comment="How long it took, in milliseconds"),
    sa.Column("error_code", sa.String(50), comment="Code of the error, when it failed"),
    sa.Column("error_message", sa.Text, comment="The error in a sentence"),
    sa.Column("error_stack", sa.Text, comment="The error's traceback"),
    document("compliance_tags", "Rules the act matters to", default="[]"),
    sa.Column("security_level", sa.String(20), server_default="normal", comment="How much it matters"),
    sa.Column(
        "data_classification",
        sa.String(20),
        server_default="internal",
        comment="How confidential the values are",
    ),
    document("metadata", "Anything else"),
    sa.PrimaryKeyConstraint("id", "created_at"),
    one_of("action_result", RESULTS),
    one_of("security_level", SECURITY_LEVELS),
    one_of("data_classification", CLASSIFICATIONS),
    sa.Index("idx_audit_logs_org_id", "organization_id"),
    sa.Index("idx_audit_logs_resource", "resource_type", "resource_id"),
    sa.Index("idx_audit_logs_created_at", "created_at"),
    sa.Index("idx_audit_logs_security_level", "security_level"),
    comment="Who did what to what, and when",
    postgresql_partition_by="RANGE (created_at)",
)
partitions.with_default(audit_logs)


async def record(
    conn: AsyncConnection,
    *,
    action: str,
    resource_type: str,
    resource_id: str | None = None,
    entity_name: str | None = None,
    old_values: Mapping[str, Any] | None = None,
    new_values: Mapping[str, Any] | None = None,
    actor: Actor,
    action_result: str = "success",
) -> None:
    """Write one act down, in the transaction that does it."""
    await conn.execute(
        audit_logs.insert(),
        {
            "action": action,
            "resource_type": resource_type,
            "resource_id": resource_id,
            "entity_name": entity_name,
            "old_values": _json(old_values),
            "new_values": _json(new_values),
            "changed_fields": changed_fields(old_values or {}, new_values or {}),
            "user_id": actor.user_id,
            "actor_type": actor.kind,
            "actor_name": actor.name,
            "ip_address": actor.address,
            "user_agent": actor.program,
            "request_method": actor.request[0] if actor.request else None,
            "request_url": actor.request[1] if actor.request else None,
            "metadata": {"key": actor.key} if actor.key else {},
            "action_result": action_result,
        },
    )


def changed_fields(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Names of the fields that differ between the two, a missing one being null."""
    return sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))


def _json(values: Mapping[str, Any] | None) -> Any:
    # None would be written as the JSON value null; nothing to tell is SQL's NULL.
    return sa.null() if values is None else dict(values)
