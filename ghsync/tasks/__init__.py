"""Tasks, and the links between tasks and GitHub.

From what is said to what follows: `keywords` reads texts, `mentions` keeps what they say, `meaning` tells what that
names today, `neighbourhood` finds and locks what may have to change, `alignment` makes links what they should be,
`numbers` writes them into tasks. `links` is the door to all of these. `claims` tells how sure a link is and which task
a pull request works on, `suggestions` what only a person can decide.
"""
