"""What a mention means today, as SQL: the task and the repository that it names, and where an issue is by now."""

LONGEST_CHAIN = 8  # transfers of one issue that are followed


def successor(repository_id: str, number: str) -> str:
    """LATERAL: where an issue is by now. One whose transfers go round in circles stays where it is."""
    return f"""(
    WITH RECURSIVE moved (repository_id, number, hops) AS (
      SELECT {repository_id}, {number}, 0
      UNION ALL
      SELECT r.id, (i.transferred_to ->> 'number')::int, moved.hops + 1
      FROM moved
      JOIN github_issues i ON i.repository_id = moved.repository_id AND i.number = moved.number
      JOIN github_repositories r ON r.github_id = i.transferred_to ->> 'repository_github_id'
      WHERE moved.hops <= {LONGEST_CHAIN}
    )
    SELECT moved.repository_id, moved.number FROM moved
    ORDER BY CASE WHEN max(hops) OVER () > {LONGEST_CHAIN} THEN -hops ELSE hops END DESC LIMIT 1
  )"""


# LATERAL: the repository that mention m names. A name is read as of the mention, since names change hands.
NAMED = """(
    SELECT CASE WHEN m.target_name IS NULL THEN m.repository_id ELSE (
      SELECT a.repository_id FROM github_repository_aliases a WHERE lower(a.full_name) = lower(m.target_name)
      ORDER BY a.first_observed_at > m.observed_at,
               CASE WHEN a.first_observed_at <= m.observed_at THEN a.first_observed_at END DESC, a.first_observed_at
      LIMIT 1) END AS repository_id
  )"""

# Whether mention m names task t, by its id or the beginning of it.
NAMES_TASK = """t.id BETWEEN (m.task || substr('00000000-0000-0000-0000-000000000000', length(m.task) + 1))::uuid
                  AND (m.task || substr('ffffffff-ffff-ffff-ffff-ffffffffffff', length(m.task) + 1))::uuid"""

# LATERAL: the task that mention m names, null where a prefix fits several and not just one of the project.
TASK = f"""(
    SELECT count(*) AS candidates,
           (CASE WHEN count(*) = 1 THEN min(t.id::text)
                 WHEN count(*) FILTER (WHERE t.project_id = r.project_id) = 1
                 THEN min(t.id::text) FILTER (WHERE t.project_id = r.project_id) END)::uuid AS id
    FROM github_repositories r JOIN tasks t
      ON {NAMES_TASK}
    WHERE r.id = m.repository_id
  )"""
