"""Endless traffic on a world: what people, bots and CI do, by chance, and always the same for the same seed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate
from random import Random

from ghsync.simulator.deeds import KINDS
from ghsync.simulator.deeds.stage import Impossible, Stage
from ghsync.simulator.world import World

WEIGHTS: Mapping[str, float] = {name: weight for name, (weight, _) in KINDS.items()}
"""How often each kind of deed is done, compared with others."""

PAUSES = (0.0, 0.05, 0.4, 3.0, 20.0)
"""Seconds between deeds: many happen within one second, which is GitHub's resolution of time."""

TRIES = 1_000


@dataclass(frozen=True)
class Deed:
    """What was done: its kind, when, and a sentence."""

    kind: str
    at: datetime
    what: str


@dataclass
class Traffic:
    """Deeds on a world. `weights` replaces those of the kinds it names; a kind that weighs nothing is never done."""

    world: World
    seed: int = 1
    weights: Mapping[str, float] = field(default_factory=dict)
    pauses: tuple[float, ...] = PAUSES
    stage: Stage = field(init=False)

    def __post_init__(self) -> None:
        unknown = self.weights.keys() - WEIGHTS.keys()
        if unknown:
            raise LookupError(f"There are no deeds named {', '.join(sorted(unknown))}.")
        self.stage = Stage(self.world, Random(self.seed))
        weights = {**WEIGHTS, **self.weights}
        self._kinds = [name for name, weight in weights.items() if weight]
        self._totals = list(accumulate(weight for weight in weights.values() if weight))

    def act(self) -> Deed:
        """Do one thing, after a while."""
        self.world.clock.advance(self.stage.random.choice(self.pauses))
        for _ in range(TRIES):
            (kind,) = self.stage.random.choices(self._kinds, cum_weights=self._totals)
            try:
                what = KINDS[kind][1](self.stage)
            except Impossible:
                continue
            return Deed(kind, self.world.now(), what)
        raise RuntimeError("Nothing can be done in this world any more: give it repositories and people.")
