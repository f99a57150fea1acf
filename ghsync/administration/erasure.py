"""A person is erased: whatever names them says a pseudonym instead, and the payloads that name them go.

Replaced are their login, also the ones they had, their id at GitHub and its no-reply address: where they are the author
of something, in JSON, where a text mentions them (`@login`) or links to their page. What people wrote about them in
plain words stays. GitHub does the same when somebody deletes their account, with one name for all who have.

While GitHub still shows them, what it tells next names them again: so who is to be forgotten is erased there first.
"""

import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from ghsync import audit
from ghsync.actor import Actor
from ghsync.database import fetch, fetch_column, transaction
from ghsync.errors import Permanent
from ghsync.schema import metadata

LOGINS = frozenset(
    {"actor_name", "author", "created_by", "creator", "entity_name", "merged_by", "resolved_by", "suspended_by",
     "triggered_by", "updated_by"}
)  # fmt: skip
"""Columns that hold a login and nothing else; beside some stands the id, as in ``author_id``."""

DELIVERIES_AT_ONCE = 1000

_ID = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Person:
    """Who is erased: our user if there is one, GitHub's id if it is known, the logins they had, and an address."""

    user_id: str | None
    github_id: str | None
    logins: tuple[str, ...]
    email: str | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What was done: the pseudonym, rows changed by table, payloads deleted, and deliveries that still name them.

    These wait or are parked: once they are done or dismissed, erase again.
    """

    pseudonym: str
    rows: dict[str, int]
    payloads: int
    waiting: int


def _authors() -> Iterator[tuple[str, str]]:
    """Tables with columns that hold a login and, beside it, the id of whose it is."""
    for table in metadata.sorted_tables:
        for column in table.columns:
            if column.name in LOGINS and f"{column.name}_id" in table.columns:
                yield table.name, column.name


# A login is given again to somebody else: who has an id is told by that.
_KNOWN = sa.text(
    "SELECT DISTINCT github_id, login FROM ("
    + " UNION ALL ".join(
        f"SELECT {column}_id AS github_id, {column} AS login FROM {table} WHERE {column}_id IS NOT NULL"
        for table, column in _authors()
        if table.startswith("github_")
    )
    + " UNION ALL SELECT github_id, github_login FROM users WHERE github_id IS NOT NULL) known"
    + " WHERE CASE WHEN CAST(:id AS text) IS NULL THEN lower(login) = lower(CAST(:login AS text))"
    + " ELSE github_id = CAST(:id AS text) END"
)

_USER = sa.text("""
SELECT id::text, github_id, github_login, email FROM users
WHERE github_id = :id OR (CAST(:id AS text) IS NULL AND lower(github_login) = lower(CAST(:login AS text)))
   OR (github_id IS NULL AND lower(email) = lower(CAST(:login AS text)))
LIMIT 2
""")

_OWNS = sa.text("""
SELECT full_name FROM github_repositories WHERE owner_id = :id ORDER BY full_name LIMIT 1
""")

_REPOSITORIES = sa.text("SELECT id::text FROM github_repositories ORDER BY id")
_LOCK = sa.text("SELECT id FROM github_repositories WHERE id = CAST(:repository AS uuid) FOR NO KEY UPDATE")

# Partitions that were archived are tables of nobody's any more.
_ARCHIVED = sa.text("""
SELECT format('%I.%I', n.nspname, c.relname) AS name, regexp_replace(c.relname, '_y\\d{4}m\\d\\d$', '') AS parent
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname = CASE current_schema() WHEN 'public' THEN 'archive'
                                      ELSE current_schema() || '_archive' END
ORDER BY 1
""")

_FORGET_USER = sa.text("""
UPDATE users SET email = :pseudonym || '@users.noreply.invalid', name = :pseudonym, avatar_url = NULL, github_id = NULL,
  github_login = NULL, password_hash = NULL, mfa_enabled = false, mfa_secret = NULL, deleted_at = now()
WHERE id = CAST(:user AS uuid)
""")

_OF_USER = {
    table: sa.text(f"DELETE FROM {table} WHERE user_id = CAST(:user AS uuid)")
    for table in ("sessions", "api_keys", "database_readers", "organization_members", "project_members")
}

_FORGET_ACTS = """
UPDATE {table} SET user_id = NULL, ip_address = NULL, user_agent = NULL, actor_name = :pseudonym
WHERE user_id = CAST(:user AS uuid)
"""

_FORGET_PAYLOADS = sa.text("""
WITH candidates AS MATERIALIZED (
  SELECT id, month, status, body FROM webhook_deliveries WHERE id > :after ORDER BY id LIMIT :at_once
), named AS (
  SELECT id, month, status FROM candidates c
  WHERE body IS NOT NULL AND EXISTS (
    SELECT FROM unnest(CAST(:marks AS text[])) AS m(mark) WHERE position(convert_to(mark, 'UTF8') IN c.body) > 0)
), forgotten AS (
  UPDATE webhook_deliveries d SET body = NULL FROM named n
  WHERE (d.id, d.month) = (n.id, n.month) AND d.status IN ('processed', 'ignored') AND NOT :rehearsed RETURNING 1
)
SELECT (SELECT max(id) FROM candidates) AS last,
       (SELECT count(*) FROM forgotten) AS forgotten,
       (SELECT count(*) FROM named WHERE status IN ('processed', 'ignored')) AS done,
       (SELECT count(*) FROM named WHERE status IN ('pending', 'parked')) AS waiting
""")


async def find(conn: AsyncConnection, login: str) -> Person:
    """Who is meant by a login, an id at GitHub or an address; whether anything names them, `erase` tells.

    Raises `Permanent` for who owns something that is mirrored, and where a login was several people's.
    """
    given_id = login if _ID.fullmatch(login) else None
    known = await fetch(conn, _KNOWN, {"id": given_id, "login": login})
    ids = {row.github_id for row in known}
    if len(ids) > 1:
        named = ", ".join(sorted(ids))
        raise Permanent(
            f"{login} was the login of several people: give the id at GitHub of the one you mean, of {named}."
        )
    github_id = next(iter(ids), given_id)
    users = await fetch(conn, _USER, {"id": github_id, "login": login})
    user = users[0] if users else None
    if github_id:
        known = await fetch(conn, _KNOWN, {"id": github_id, "login": None})
        if owned := await fetch_column(conn, _OWNS, {"id": github_id}):
            raise Permanent(
                f"{login} owns {owned[0]}, which is mirrored: take the App out of that account, and let it be purged."
            )
    logins = {row.login for row in known if row.login} | ({user.github_login} if user and user.github_login else set())
    if not known and not users and not given_id:
        logins = {login}  # it may stand where no id does
    return Person(user.id if user else None, github_id, tuple(sorted(logins)), user.email if user else None)


async def erase(engine: AsyncEngine, person: Person, *, rehearsed: bool = False, actor: Actor) -> Erased:
    """Erase a person, table by table; ``rehearsed`` counts what would change, and changes nothing."""
    words = _Words(person, f"erased-{secrets.token_hex(4)}")
    rows: dict[str, int] = {}
    async with transaction(engine) as conn:
        repositories = await fetch_column(conn, _REPOSITORIES)
        archived = [(row.name, row.parent) for row in await fetch(conn, _ARCHIVED)]
    of_repository, others = _tables()
    for repository in repositories:  # its row is the lock of all that is of it
        async with transaction(engine) as conn:
            await fetch(conn, _LOCK, {"repository": repository})
            for table in of_repository:
                await _replace(conn, table.name, table, words, rows, rehearsed, repository)
    for name, table in [*((each.name, each) for each in others), *((n, metadata.tables[p]) for n, p in archived)]:
        async with transaction(engine) as conn:
            if table.name == "audit_logs" and person.user_id and not rehearsed:
                said = {"pseudonym": words.pseudonym, "user": person.user_id}
                done = await conn.execute(sa.text(_FORGET_ACTS.format(table=name)), said)
                rows[name] = rows.get(name, 0) + done.rowcount
            await _replace(conn, name, table, words, rows, rehearsed)
    payloads, waiting = await _forget_payloads(engine, words, rehearsed)
    erased = Erased(words.pseudonym, {name: count for name, count in sorted(rows.items()) if count}, payloads, waiting)
    if not rehearsed:
        await _forget_user(engine, person, erased, actor)
    return erased


async def _forget_user(engine: AsyncEngine, person: Person, erased: Erased, actor: Actor) -> None:
    async with transaction(engine) as conn:
        if person.user_id:
            for table, statement in _OF_USER.items():
                if count := (await conn.execute(statement, {"user": person.user_id})).rowcount:
                    erased.rows[table] = erased.rows.get(table, 0) + count
            await conn.execute(_FORGET_USER, {"user": person.user_id, "pseudonym": erased.pseudonym})
            erased.rows["users"] = 1
        await audit.record(
            conn,
            action="person.erased",
            resource_type="user",
            resource_id=person.user_id,
            entity_name=erased.pseudonym,
            new_values={"rows": erased.rows, "payloads": erased.payloads},
            actor=actor,
        )


class _Words:
    """What names a person, as PostgreSQL's regular expressions find it, and what is said instead."""

    def __init__(self, person: Person, pseudonym: str) -> None:
        self.pseudonym = pseudonym
        self.logins = [login.lower() for login in person.logins]
        self.github_id = person.github_id
        self.number = str(-secrets.randbelow(10**12) - 1)  # nobody's id: GitHub's are positive
        login = "(?:" + "|".join(re.escape(one) for one in person.logins) + ")"
        ends = r"(?![A-Za-z0-9_-]|\.[A-Za-z])"
        self.texts = [
            (rf"(?:[0-9]+\+)?{login}@users\.noreply\.[A-Za-z0-9.-]+", f"{pseudonym}@users.noreply.invalid"),
            (rf'(@|https?://[^/\s"]+/){login}{ends}', rf"\1{pseudonym}"),
        ] if person.logins else []  # fmt: skip
        if person.email and not person.email.endswith(".invalid"):
            self.texts.append((re.escape(person.email), f"{pseudonym}@users.noreply.invalid"))
        # jsonb is written with a space after colons and commas, and with its keys by length: an id before a login.
        self.documents = list(self.texts)
        if person.github_id:
            self.documents.append((rf'("id": ){person.github_id}(, "login": )', rf"\1{self.number}\2"))
            self.documents.append((rf'(_id": ")-?{person.github_id}"', rf'\1{self.number}"'))
        if person.logins:
            self.documents.append((rf'((?:: |\[|, )"){login}("(?=[,\]}}]))', rf"\1{pseudonym}\2"))
        self.marks = [mark for one in person.logins for mark in (f'"{one}"', f"@{one}", f"%22{one}%22", f"%40{one}")]
        if person.github_id:
            number = person.github_id
            self.marks += [f'"id":{number},', f'"id": {number},', f"%22id%22%3A{number}%2C", f'"id":{number}}}']
        if person.email:
            self.marks.append(person.email)


def _tables() -> tuple[Sequence[sa.Table], Sequence[sa.Table]]:
    """All but the inbox and users: those of a repository, whose row is their lock, and the others."""
    tables = [table for table in metadata.sorted_tables if table.name not in ("webhook_deliveries", "users")]
    of_repository = [table for table in tables if "repository_id" in table.columns and table.name != "change_events"]
    return of_repository, [table for table in tables if table not in of_repository]


async def _replace(
    conn: AsyncConnection,
    name: str,
    table: sa.Table,
    words: _Words,
    rows: dict[str, int],
    rehearsed: bool,
    repository: str | None = None,
) -> None:
    """Replace what names the person in one table, under the name that it has, and count the rows."""
    found = list(_columns(table, words))
    if not found:
        return
    values: dict[str, Any] = {}
    for _, _, bound in found:
        values |= bound
    where = "(" + " OR ".join(f"{column} IS DISTINCT FROM {new}" for column, new, _ in found) + ")"
    if repository:
        where += " AND repository_id = CAST(:repository AS uuid)"
        values["repository"] = repository
    changed = ", ".join(f"{column} = {new}" for column, new, _ in found)
    statement = (
        f"SELECT count(*) FROM {name} WHERE {where}" if rehearsed else f"UPDATE {name} SET {changed} WHERE {where}"
    )
    done = await conn.execute(sa.text(statement), values)
    rows[name] = rows.get(name, 0) + (done.scalar_one() if rehearsed else done.rowcount)


def _columns(table: sa.Table, words: _Words) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Columns that may name the person: what each should hold, as SQL, and its values."""
    ids = {f"{column.name}_id" for column in table.columns if column.name in LOGINS} & set(table.columns.keys())
    ids = ids if table.name.startswith("github_") else set()
    for column in table.columns:
        name = column.name
        if column.computed is not None or column.identity is not None or column.primary_key:
            continue
        if name in ids:
            new = f"CASE WHEN {name} = CAST(:id AS text) THEN CAST(:number AS text) ELSE {name} END"
            yield name, new, {"id": words.github_id, "number": words.number}
        elif name in LOGINS and isinstance(column.type, sa.String):
            theirs = f"lower({name}) = ANY(CAST(:logins AS text[]))"
            bound: dict[str, Any] = {"logins": words.logins, "pseudonym": words.pseudonym}
            if (whose := f"{name}_id") in ids:
                theirs = f"({whose} = CAST(:id AS text) OR ({whose} IS NULL AND {theirs}))"
                bound["id"] = words.github_id
            yield name, f"CASE WHEN {theirs} THEN CAST(:pseudonym AS text) ELSE {name} END", bound
        elif isinstance(column.type, JSONB):
            new, bound = _replaced(f"{name}::text", words.documents, "d")
            yield name, f"CAST({new} AS jsonb)", bound
        elif isinstance(column.type, sa.String):
            new, bound = _replaced(name, words.texts, "t")
            yield name, new, bound


def _replaced(value: str, changes: Sequence[tuple[str, str]], prefix: str) -> tuple[str, dict[str, Any]]:
    bound: dict[str, Any] = {}
    for place, (pattern, instead) in enumerate(changes):
        value = f"regexp_replace({value}, CAST(:{prefix}{place} AS text), CAST(:{prefix}{place}_by AS text), 'gi')"
        bound |= {f"{prefix}{place}": pattern, f"{prefix}{place}_by": instead}
    return value, bound


async def _forget_payloads(engine: AsyncEngine, words: _Words, rehearsed: bool) -> tuple[int, int]:
    """Delete payloads that name the person; answers how many, and how many wait or are parked and so keep theirs."""
    payloads = waiting = 0
    after: int | None = 0
    while after is not None:
        async with transaction(engine) as conn:
            said = {"after": after, "at_once": DELIVERIES_AT_ONCE, "marks": words.marks, "rehearsed": rehearsed}
            done = (await conn.execute(_FORGET_PAYLOADS, said)).one()
        payloads += done.done
        waiting += done.waiting
        after = done.last
    return payloads, waiting
