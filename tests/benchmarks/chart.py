"""The chart beside the README's figures: how much of each aim is reached, drawn from the JSON alone."""

import math
from collections.abc import Iterator, Sequence
from html import escape

from tests.benchmarks.figures import FOLDER, Figure, Results, told

FILE = FOLDER / "results.svg"

WIDTH, LINE, TOP = 880, 26, 76
LEFT, RIGHT, VALUES = 400, 680, 692  # where bars may be, and where their values begin
LEAST, MOST = 0.1, 4.0  # of an aim; the scale is logarithmic, for twice and half weigh the same

TITLE = "How much of each aim is reached"
UNDER_TITLE = (
    "A bar that meets the line has reached its aim. The scale is logarithmic; what was measured (and aimed at)."
)
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-size: 15px; font-weight: 600; }
.small, .value { font-size: 12px; fill: #59636e; }
.reached { fill: #1a7f37; }
.missed { fill: #bc4c00; }
line { stroke: #59636e; stroke-dasharray: 3 3; }
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
    figures = [figure for figure in results.figures if figure.reached is not None]
    height = TOP + LINE * len(figures) + 40
    machine = results.machine
    on = f"{machine.processors} x {machine.processor}, commit {results.commit}"
    under = f"the newest: {results.measured_at:%Y-%m-%d}, {on}"
    aim = _x(1.0)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" aria-labelledby="title">',
        f'<title id="title">{TITLE}</title>',
        f"<style>\n{STYLE}\n</style>",
        f'<text class="title" x="10" y="24">{TITLE}</text>',
        f'<text class="small" x="10" y="44">{UNDER_TITLE}</text>',
        f'<text class="small" x="{aim:.0f}" y="{TOP - 12}" text-anchor="middle">the aim</text>',
        *_bars(figures),
        f'<line x1="{aim:.0f}" y1="{TOP - 6}" x2="{aim:.0f}" y2="{TOP + LINE * len(figures)}"/>',
        f'<text class="small" x="10" y="{height - 12}">{escape(under)}</text>',
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _bars(figures: Sequence[Figure]) -> Iterator[str]:
    for place, figure in enumerate(figures):
        y, end = TOP + LINE * place, _x(figure.reached or 0.0)
        kind = "missed" if figure.missed else "reached"
        said = f"{told(figure.value)} {figure.unit}".strip() + f" ({told(figure.aim or 0)})"
        what = escape(figure.what.replace("`", ""))
        yield f'<text x="{LEFT - 10}" y="{y + 16}" text-anchor="end">{what}</text>'
        yield f'<rect class="{kind}" x="{LEFT}" y="{y + 4}" width="{end - LEFT:.1f}" height="{LINE - 10}" rx="2"/>'
        yield f'<text class="value" x="{VALUES}" y="{y + 16}">{escape(said)}</text>'


def _x(reached: float) -> float:
    """Where a bar ends that reaches so much of its aim."""
    share = math.log(min(max(reached, LEAST), MOST) / LEAST) / math.log(MOST / LEAST)
    return LEFT + share * (RIGHT - LEFT)
