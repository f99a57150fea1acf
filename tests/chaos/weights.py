"""How often things are done in chaos: much is reviewed and checked, and what is rare elsewhere happens, too."""

from ghsync.simulator import deeds

OFTENER = 3
OFTEN = {name: OFTENER * weight for name, (weight, _) in {**deeds.reviews.KINDS, **deeds.checks.KINDS}.items()}
BUSY = {**OFTEN, "begin_check": 15.0}
"""For who wants much to happen, of which hooks tell all that there is to know."""

RARE = {
    "lose_access_silently": 2.0,
    "lose_permission": 2.0,
    "regain_permissions": 6.0,
    "rename_person": 3.0,
    "reopen_check": 10.0,
    "report_job": 10.0,
    "request_bot": 5.0,
}
WILD = BUSY | RARE
"""For who reads the API too."""
