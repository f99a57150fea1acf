"""The chart beside the README's figures: how much of each aim is reached, drawn from the JSON alone."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from tests.benchmarks.figures import FOLDER, Figure, Results

FILE = FOLDER / "results.svg"

WIDTH, LINE, TOP = 980, 26, 84
LEFT, RIGHT, VALUES = 420, 700, 712  # where bars may be, and where their values begin
LEAST, MOST = 0.1, 4.0  # of an aim; the scale is logarithmic, for twice and half weigh the same
TICKS = {0.5: "half", 1.0: "the aim", 2.0: "twice"}

TITLE = "How much of each aim is reached"
UNDER_TITLE = (
    "A bar that meets the line has reached its aim. The scale is logarithmic; what was measured (and aimed at)."
)
NOTHING = "0, as it should be"
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.small, .value { font-size: 12px; fill: #59636e; }
.reached { fill: #1a7f37; }
.missed { fill: #bc4c00; }
tspan.missed { font-weight: 600; }
line { stroke: #59636e; stroke-dasharray: 1 5; }
.aim { stroke-dasharray: 3 3; }
@media (prefers-color-scheme: dark) {
  text { fill: #f0f6fc; }
  .small, .value { fill: #9198a1; }
  .reached { fill: #3fb950; }
  .missed { fill: #db6d28; }
  line { stroke: #9198a1; }
}
""".strip()


def drawn(results: Results) -> str:
    """An SVG that is legible on light and on dark pages."""
    aims = [figure for figure in results.figures if figure.aim is not None]
    bars = [figure for figure in aims if figure.aim or figure.missed]
    none = [figure for figure in aims if figure not in bars]
    end = TOP + LINE * len(bars)
    height = end + LINE * len(none) + 40
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">{TITLE}</title>',
        f"<style>\n{STYLE}\n</style>",
        f'<text class="title" x="10" y="24">{TITLE}</text>',
        f'<text class="small" x="10" y="44">{UNDER_TITLE}</text>',
        *_bars(bars),
        *_ticks(end),
        *_zeros(none, end),
        f'<text class="small" x="10" y="{height - 12}">{escape(_under(results))}</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _under(results: Results) -> str:
    run = results.newest
    when = f"{run.measured_at:%Y-%m-%d}, {run.machine.processors} x {run.machine.processor}, commit {run.commit}"
    return when if len(results.runs) == 1 else f"of several runs, the newest: {when}"


def _ticks(end: float) -> Iterator[str]:
    """The aim, its half and its double, from above the bars to below them."""
    for reached, name in TICKS.items():
        x, kind = f"{_x(reached):.1f}", ' class="aim"' if reached == 1 else ""
        yield f'<text class="small" x="{x}" y="{TOP - 12}" text-anchor="middle">{name}</text>'
        yield f'<line{kind} x1="{x}" y1="{TOP - 6}" x2="{x}" y2="{end}"/>'


def _bars(figures: Sequence[Figure]) -> Iterator[str]:
    for place, figure in enumerate(figures):
        y, end = TOP + LINE * place, _x(figure.reached or 0.0)
        kind = "missed" if figure.missed else "reached"
        yield _name(figure, y)
        yield f'<rect class="{kind}" x="{LEFT}" y="{y + 4}" width="{end - LEFT:.1f}" height="{LINE - 10}" rx="2"/>'
        missed = ' <tspan class="missed">missed</tspan>' if figure.missed else ""
        said = escape(f"{figure.measured} ({figure.direction})")
        yield f'<text class="value" x="{VALUES}" y="{y + 16}">{said}{missed}</text>'


def _zeros(figures: Sequence[Figure], top: float) -> Iterator[str]:
    """What is to be 0 and is: no bar could show how much of that is reached."""
    for place, figure in enumerate(figures):
        y = top + LINE * place
        yield _name(figure, y)
        yield f'<text class="value" x="{VALUES}" y="{y + 16:.0f}">{NOTHING}</text>'


def _name(figure: Figure, y: float) -> str:
    what = escape(figure.what.replace("`", ""))
    return f'<text x="{LEFT - 10}" y="{y + 16:.0f}" text-anchor="end">{what}</text>'


def _x(reached: float) -> float:
    """Where a bar ends that reaches so much of its aim."""
    share = math.log(min(max(reached, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (RIGHT - LEFT)
