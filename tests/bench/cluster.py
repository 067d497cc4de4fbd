"""Draws the figures of `make bench-cluster`: cluster.py FIGURES GROWTH TO

FIGURES holds a JSON object a line (target/bench/cluster.jsonl); GROWTH the table that the test of
growth printed. TO is a picture, its format told by its ending."""

import json
import re
import sys

from matplotlib.figure import Figure

# What is asked of each ratio: at least, or at most.
WANTED = {
    "intake": (0.6, "at least"),
    "workers": (1.9, "at least"),
    "memory": (1.2, "at most"),
    "counter": (1.3, "at most"),
}
COSTS = ["open a dossier", "acknowledge a scan", "take a job", "requirements"]


def growth(lines):
    """Pages, and how many times that of the fewest each cost is, line by line of the printed table."""
    for line in lines:
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 1 + len(COSTS) and cells[0].isdigit():
            yield int(cells[0]), [float(re.search(r"\(([\d.]+)×\)", cell)[1]) for cell in cells[1:]]


def main(figures, table, to):
    with open(figures, encoding="utf-8") as lines:
        told = [json.loads(line) for line in lines]
    with open(table, encoding="utf-8") as lines:
        sizes = list(growth(lines))
    picture = Figure(figsize=(10, 4), layout="constrained")
    ratios, costs = picture.subplots(1, 2)
    for place, one in enumerate(told):
        wanted, which = WANTED[one["what"]]
        ratios.bar(place, one["ratio"], color="lightsteelblue")
        ratios.hlines(wanted, place - 0.4, place + 0.4, color="tab:red")
        ratios.annotate(f"{which} {wanted}", (place, wanted), ha="center", va="bottom")
    ratios.set_xticks(range(len(told)), [one["what"] for one in told])
    ratios.set_title("ratio")
    for place, name in enumerate(COSTS):
        costs.plot([size for size, _ in sizes], [of[place] for _, of in sizes], "o-", label=name)
    costs.axhline(1.5, color="black", linestyle="--", label="at most 1.5")
    costs.set(xscale="log", xlabel="pages in the records", ylim=0)
    costs.set_title("times what it costs with the fewest")
    costs.legend()
    picture.savefig(to)
    print(to)


if __name__ == "__main__":
    main(*sys.argv[1:])
