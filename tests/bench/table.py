"""Prints what readers took and how many characters they misread: table.py GOLD OUT READER…

Texts are compared in NFC with white space folded. Lines of the gold text that begin with `#`
(stamps, handwriting) don't count.
"""

import pathlib
import sys
import unicodedata


def folded(text):
    return " ".join(unicodedata.normalize("NFC", text).split())


def edits(gold, text, anywhere):
    """Least edits that turn gold into text, or into any stretch of it."""
    row = [0] * (len(text) + 1) if anywhere else list(range(len(text) + 1))
    for i, g in enumerate(gold, 1):
        before, row = row, [i]
        for j, t in enumerate(text, 1):
            row.append(min(before[j - 1] + (g != t), before[j] + 1, row[-1] + 1))
    return min(row) if anywhere else row[-1]


def misread(gold, text):
    """Characters misread by line and in the whole, and how many there are."""
    lines = [folded(line) for line in gold.splitlines() if not line.startswith("#")]
    lines = [line for line in lines if len(line) > 1]
    text, whole = folded(text), " ".join(lines)
    by_line = sum(min(edits(line, text, True), len(line)) for line in lines)
    return by_line, min(edits(whole, text, False), len(whole)), sum(map(len, lines)), len(whole)


def main():
    gold, out = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
    print("| reader | pages | CPU s a page | wall s a page | peak MB | by line | whole |")
    print("|---|---|---|---|---|---|---|")
    for reader in sys.argv[3:]:
        rows = [list(map(float, line.split())) for line in open(out / f"{reader}.times")]
        cpu, wall = (sum(row[i] for row in rows) / len(rows) for i in (0, 1))
        peak = max(row[2] for row in rows) / 1024
        sums = [0, 0, 0, 0]
        for path in sorted(gold.glob("*.gt.txt")):
            name = path.name[: -len(".gt.txt")]
            text = (out / reader / f"{name}.txt").read_text(encoding="utf-8", errors="replace")
            counts = misread(path.read_text(encoding="utf-8"), text)
            sums = [a + b for a, b in zip(sums, counts)]
        line, whole = sums[0] / sums[2], sums[1] / sums[3]
        print(
            f"| {reader} | {len(rows)} | {cpu:.2f} | {wall:.2f} | {peak:.0f} "
            f"| {line:.2%} | {whole:.2%} |"
        )


main()
