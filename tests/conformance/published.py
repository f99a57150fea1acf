"""GitHub's GraphQL schema, as npm has it; `make corpus` fetches it.

https://www.npmjs.com/package/@octokit/graphql-schema
"""

from functools import cache

from graphql import DocumentNode, GraphQLSchema, build_ast_schema, concat_ast, parse

from tests.conformance import corpus

PATH = corpus.FOLDER / "graphql-schema/package/schema.graphql"

needed = corpus.needed(PATH, "GitHub's published schema")

# The package was last published before GitHub had these.
# https://docs.github.com/en/graphql/reference/issues#object-issuetype
# https://docs.github.com/en/graphql/reference/interfaces#assignable
# https://docs.github.com/en/graphql/overview/changelog#schema-changes-for-2025-07-30
# https://docs.github.com/en/graphql/overview/changelog#schema-changes-for-2025-10-15
ADDED_SINCE = """
extend interface Assignable {
  assignedActors(after: String, before: String, first: Int, last: Int): AssigneeConnection!
}
extend type PullRequest {
  assignedActors(after: String, before: String, first: Int, last: Int): AssigneeConnection!
}
type AssigneeConnection {
  edges: [AssigneeEdge]
  nodes: [Assignee]
  pageInfo: PageInfo!
  totalCount: Int!
}
type AssigneeEdge {
  cursor: String!
  node: Assignee
}
extend type Issue {
  assignedActors(after: String, before: String, first: Int, last: Int): AssigneeConnection!
  issueDependenciesSummary: IssueDependenciesSummary!
  issueType: IssueType
}
type IssueDependenciesSummary {
  blockedBy: Int!
  blocking: Int!
  totalBlockedBy: Int!
  totalBlocking: Int!
}
type IssueType implements Node {
  color: IssueTypeColor!
  description: String
  id: ID!
  isEnabled: Boolean!
  name: String!
}
enum IssueTypeColor { BLUE GRAY GREEN ORANGE PINK PURPLE RED YELLOW }
"""


@cache
def definitions() -> DocumentNode:
    """What the schema is made of."""
    return concat_ast([parse(PATH.read_text("utf-8"), no_location=True), parse(ADDED_SINCE)])


@cache
def schema() -> GraphQLSchema:
    """The schema, with what was added since."""
    return build_ast_schema(definitions(), assume_valid=True)
