"""Shows what a run of bench.py found: table.py OUT GOLD [--per-page]

Figures of several runs are medians; shares of Sohoa's CPU are taken within a run.
"""

import json
import pathlib
import statistics
import sys

from misread import misread

HEAD = ["reader", "pages", "CPU s a page", "of Sohoa's", "wall s a page", "peak MB"]
HEAD += ["all processes", "by line", "whole", "PDF KB a page", "failed"]


def main():
    out, gold = map(pathlib.Path, sys.argv[1:3])
    rows = [json.loads(line) for line in open(out / "runs.jsonl")]
    for which in dict.fromkeys(row["set"] for row in rows):
        readers = list(dict.fromkeys(row["reader"] for row in rows if row["set"] == which))
        golds = sorted(gold.glob("*.gt.txt")) if which == "gold" else []
        errors = {reader: errors_of(out / which / reader, golds) for reader in readers}
        if "--per-page" not in sys.argv:
            print(f"\n{which}\n")
            table(HEAD, [line(rows, which, r, errors[r], out) for r in readers])
        elif which == "gold":
            cold = [reader for reader in readers if "warm" not in reader]
            table(["by line, whole", *cold], [
                [name, *(f"{e[name][0]:.2%}, {e[name][1]:.2%}" for e in map(errors.get, cold))]
                for name in errors[cold[0]]
            ])


def line(rows, which, reader, errors, out):
    """A reader's line of the table."""
    mine = [row for row in rows if row["set"] == which and row["reader"] == reader]
    pages = sum(row["pages"] for row in mine if row["run"] == 0)
    cpu = a_page(rows, which, reader, "cpu")
    shares = [own / base for own, base in zip(cpu, a_page(rows, which, "sohoa", "cpu"))]
    pdfs = [path.stat().st_size for path in (out / which / reader).glob("*.pdf")]
    return [
        reader,
        pages,
        f"{statistics.median(cpu):.2f}",
        f"{statistics.median(shares):.2f}",
        f"{statistics.median(a_page(rows, which, reader, 'wall')):.2f}",
        f"{max(row['largest'] for row in mine):.0f}",
        f"{max(row['together'] for row in mine):.0f}",
        *(f"{mean:.2%}" if errors else "" for mean in means(errors)),
        f"{sum(pdfs) / 1000 / pages:.0f}" if pdfs else "",
        sum(row["code"] != 0 for row in mine),
    ]


def a_page(rows, which, reader, what):
    """What a page took, by run."""
    sums = {}
    for row in rows:
        if row["set"] == which and row["reader"] == reader:
            took, pages = sums.get(row["run"], (0, 0))
            sums[row["run"]] = (took + row[what], pages + row["pages"])
    return [took / pages for took, pages in sums.values()]


def errors_of(texts, golds):
    """By name of the page: errors by line and whole, and characters."""
    errors = {}
    for path in golds:
        name = path.name.removesuffix(".gt.txt")
        text = texts / f"{name}.txt"
        read = text.read_text(encoding="utf-8", errors="replace") if text.exists() else ""
        errors[name] = misread(path.read_text(encoding="utf-8"), read)
    return errors


def means(errors):
    """Over all pages, each by its characters."""
    chars = sum(error[2] for error in errors.values()) or 1
    return [sum(error[at] * error[2] for error in errors.values()) / chars for at in (0, 1)]


def table(head, lines):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for cells in lines:
        print("| " + " | ".join(map(str, cells)) + " |")


main()
