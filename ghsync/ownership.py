"""Where the tables are, whose they are, and what an administrator runs where the role may not do what it should."""

import shlex
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

DEFAULT_SCHEMA = "public"

# A schema that the role may not use is left out of the search path, as if nothing were in it: its name is then in the
# setting alone. https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PATH
FIND = sa.text(r"""
SELECT n.nspname AS schema, pg_get_userbyid(c.relowner) AS owner, current_user AS role,
       pg_has_role(c.relowner, 'USAGE') AS owned, has_schema_privilege(n.oid, 'USAGE') AS usable
FROM unnest(current_schemas(false) || regexp_split_to_array(
       replace(replace(current_setting('search_path'), '"', ''), '$user', current_user), '\s*,\s*')::name[]
     ) WITH ORDINALITY AS path (schema, place)
JOIN pg_namespace n ON n.nspname = path.schema
JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = 'alembic_version' AND c.relkind = 'r'
ORDER BY path.place LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class Ownership:
    """The schema that has the tables, their owner, and what the session's role is to both."""

    schema: str
    owner: str
    role: str
    owned: bool
    usable: bool

    @property
    def remedy(self) -> str:
        """The command that prints what the role lacks."""
        words = ["ghsync", "grants", "--owner", self.owner, "--service", self.role]
        schema = ["--schema", self.schema] if self.schema != DEFAULT_SCHEMA else []
        return f"let an administrator run the SQL that `{shlex.join(words + schema)}` prints."

    @property
    def hidden(self) -> str | None:
        """What is to be said where the role cannot even see the tables."""
        if self.usable:
            return None
        return f'The role "{self.role}" lacks USAGE on the schema "{self.schema}": {self.remedy}'


def ownership(found: sa.Row[Any] | None) -> Ownership | None:
    """What `FIND` has found; None where there are no tables yet."""
    return Ownership(**found._mapping) if found else None
