"""How surely a link is right, and which task a pull request works on."""

# How surely a link of each source is right.
CONFIDENCE = {
    "manual": 1.00,
    "external": 0.99,
    "label": 0.99,
    "task_trailer": 0.95,
    "branch": 0.90,
    "closing_reference": 0.90,
    "closing_keyword": 0.85,
    "cross_reference": 0.40,
}
# A less sure link is kept and suggested, but claims neither a task's number nor a pull request's task: to write
# "see #5" is not to work on it.
CLAIM = 0.50

# What people and programs decided, and what a task was made from; all other links follow from texts.
FACTS = "('manual', 'external', 'label')"

# For pull request p, as LATERAL: the task that claims it most surely, with its workflow and its newest session.
# Two tasks that are equally sure are a conflict, which nothing is claimed by.
BEST_TASK = f"""
    SELECT t.id AS task_id, execution.workflow_id, session.id AS session_id
    FROM (
      SELECT min(claim.task_id::text)::uuid AS task_id
      FROM (
        SELECT l.task_id FROM task_github_links l
        WHERE l.repository_id = p.repository_id AND l.kind = 'pull_request' AND l.number = p.number
          AND l.confidence >= {CLAIM}
        ORDER BY l.confidence DESC FETCH FIRST 1 ROW WITH TIES
      ) claim
      HAVING count(DISTINCT claim.task_id) = 1
    ) best
    JOIN tasks t ON t.id = best.task_id
    LEFT JOIN workflow_executions execution ON execution.id = t.workflow_execution_id
    LEFT JOIN LATERAL (
      SELECT s.id FROM agent_sessions s WHERE s.task_id = t.id
      ORDER BY s.started_at DESC NULLS LAST, s.session_id LIMIT 1
    ) session ON true"""
