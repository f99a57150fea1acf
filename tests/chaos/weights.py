"""How often things are done in chaos: much is reviewed and checked, and checks begin silently, too."""

from ghsync.simulator import deeds

OFTENER = 3
OFTEN = {name: OFTENER * weight for name, (weight, _) in {**deeds.reviews.KINDS, **deeds.checks.KINDS}.items()}
BUSY = {**OFTEN, "begin_check": 15.0}
