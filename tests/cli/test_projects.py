"""`projects`: made by hand, listed, and written down."""

import psycopg

from tests.cli.conftest import Ghsync


def test_a_project_is_made_listed_and_written_down(told: Ghsync, connection: psycopg.Connection) -> None:
    made = told("projects", "create", "Night [work]", "--organization", "tarnfield", "--json").json
    listed = told("projects", "list", "--json").json

    assert made["project"] == "tarnfield/night-work"
    (row,) = (each for each in listed if each["id"] == made["id"])
    assert (row["name"], row["repositories"], row["tasks"]) == ("Night [work]", 0, 0)
    assert told("tasks", "create", "Something", "--project", "tarnfield/night-work").exit_code == 0
    assert told("repos", "assign", "tarnfield/stationd", "--project", "night-work").exit_code == 0
    assert connection.execute(
        "SELECT action, entity_name FROM audit_logs WHERE resource_type = 'project'"
    ).fetchall() == [("project.created", "tarnfield/night-work")]


def test_two_of_one_slug_and_none_of_no_organization_are_made(told: Ghsync) -> None:
    first = told("projects", "create", "One", "--organization", "tarnfield")
    again = told("projects", "create", "One", "--organization", "tarnfield")
    nowhere = told("projects", "create", "One", "--organization", "nobody")
    unnamed = told("projects", "create", " ", "--organization", "tarnfield")

    assert [result.exit_code for result in (first, again, nowhere, unnamed)] == [0, 1, 1, 2]
    assert again.stderr == "tarnfield/one is there already: give another --slug.\n"
    assert nowhere.stderr == (
        "There is no organization nobody: a GitHub account gets one when it is first seen. "
        "Those there are: tarnfield.\n"
    )
