"""Counts one, two and three syllables in a row in official texts: count.py OUT.gz TEXT…

A TEXT is plain UTF-8 with a passage a line, or JSON (.json, .json.gz), of which every string with a
space is a passage. Each passage counts once, however often it stands there. Letters are counted in
lower case, any number as 0, `^` stands for the start of a passage. The formulas of official
papers, `formulas.txt` beside this program, count twenty times.
"""

import collections
import gzip
import json
import pathlib
import re
import sys
import unicodedata

TOKENS = re.compile(r"[^\W\d_]+|\d+|[^\w\s]")
LEAST = {1: 2, 2: 1, 3: 2}
FORMULAS = pathlib.Path(__file__).with_name("formulas.txt")
FORMULA_WEIGHT = 20


def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, (list, dict)):
        for part in value.values() if isinstance(value, dict) else value:
            yield from strings(part)


def passages(path):
    data = path.read_bytes()
    if path.suffix == ".gz":
        data = gzip.decompress(data)
    text = data.decode()
    lines = strings(json.loads(text)) if ".json" in path.suffixes else text.splitlines()
    for line in lines:
        line = unicodedata.normalize("NFC", line.replace("\u200b", "")).strip()
        if " " in line:
            # Portals glue the parts of a table to one another: "ngàyTrực tiếp".
            line = re.sub(r"(?<=[^\W\d_A-ZĐ])(?=[A-ZĐ][^\W\d_])", "\n", line)
            yield from re.split(r"(?<=[.;])\s+|\n", line)


def main():
    out, paths = sys.argv[1], [pathlib.Path(name) for name in sys.argv[2:]]
    counts = collections.Counter()
    texts = collections.Counter({passage.strip() for path in paths for passage in passages(path)})
    texts.update({passage.strip(): FORMULA_WEIGHT for passage in passages(FORMULAS)})
    for passage, times in texts.items():
        tokens = [re.sub(r"\d+", "0", token.lower()) for token in TOKENS.findall(passage)]
        tokens = ["^", *tokens]
        for length in LEAST:
            for gram in zip(*(tokens[at:] for at in range(length))):
                counts[gram] += times
    known = {gram: count for gram, count in counts.items() if LEAST[len(gram)] <= count}
    rows = [
        f"{count} {' '.join(gram)}\n"
        for gram, count in sorted(known.items(), key=lambda row: (len(row[0]), row[0]))
        if all((token,) in known for token in gram)
    ]
    with open(out, "wb") as file:
        file.write(gzip.compress("".join(rows).encode(), 9, mtime=0))


main()
