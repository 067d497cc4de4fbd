"""Whether confidences mean what they say: confidence.py READINGS.json TRUTHS…

READINGS.json is what `sohoa read --json` wrote; a page's truth is NAME.gt.txt or NAME.txt in one of
the folders TRUTHS. A word is right when the truth has it, whole, where its line best fits. Shows, by
confidence, how many words there are and what share of them is right; how far the one is from the
other on average (expected calibration error); and what became of the second opinions.
"""

import json
import pathlib
import sys
from difflib import SequenceMatcher

from misread import edits, folded, gold_lines

EDGES = [0.0, 0.3, 0.5, 0.7, 0.8, 0.85, 0.9, 0.95, 0.98, 1.001]
# A line this wrong isn't in the truth at all: a stamp, handwriting, a scribble.
STRANGE = 0.6


def main():
    readings, *folders = map(pathlib.Path, sys.argv[1:])
    words = []
    for page in json.loads(readings.read_text()):
        truth = truth_of(pathlib.Path(page["file"]).stem, folders)
        if truth is not None and "words" in page:
            words += judged(page["words"], truth)
    show_confidence(words)
    show_opinions(words)


def truth_of(name, folders):
    for folder in folders:
        for suffix in (".gt.txt", ".txt"):
            path = folder / (name + suffix)
            if path.exists():
                return " " + " ".join(gold_lines(path.read_text())) + " "
    return None


def judged(words, truth):
    """The words of a page that stand in the truth's lines, with `right` and `other_right`."""
    lines = {}
    for word in words:
        if word.get("zone") != "overlay":
            lines.setdefault((word["block"], word["line"]), []).append(word)
    found = []
    for line in lines.values():
        text = " ".join(folded(word["text"]) for word in line)
        wrong, end = edits(text, truth, True)
        if len(text) < 2 or STRANGE * len(text) < wrong:
            continue
        stretch = truth[max(0, end - len(text) - 12) : end + 12]
        same = [0] * len(text)
        for a, b, size in SequenceMatcher(None, text, stretch, False).get_matching_blocks():
            for at in range(size):
                same[a + at] = 1 + b + at
        at = 0
        for word in line:
            size = len(folded(word["text"]))
            right = whole(same[at : at + size], stretch)
            other = word.get("otherwise")
            other_right = other is not None and f" {folded(other['text'])} " in stretch
            found.append({**word, "right": right, "other_right": other_right and not right})
            at += size + 1
    return found


def whole(places, stretch):
    """Whether the characters follow each other in the stretch, between spaces."""
    if not places or 0 in places:
        return False
    first, last = places[0] - 1, places[-1] - 1
    if last - first != len(places) - 1:
        return False
    before = stretch[first - 1] if 0 < first else " "
    after = stretch[last + 1] if last + 1 < len(stretch) else " "
    return before == " " and after == " "


def show_confidence(words):
    print(f"{'confidence':>14} {'words':>7} {'mean':>7} {'right':>7}")
    off = 0.0
    for low, high in zip(EDGES, EDGES[1:]):
        some = [word for word in words if low <= word["confidence"] < high]
        if some:
            mean = sum(word["confidence"] for word in some) / len(some)
            right = sum(word["right"] for word in some) / len(some)
            off += abs(mean - right) * len(some)
            print(f"{low:6.2f} – {min(high, 1):.2f} {len(some):8} {mean:7.3f} {right:7.3f}")
    right = sum(word["right"] for word in words) / max(1, len(words))
    print(f"{'all':>14} {len(words):7} {'':>7} {right:7.3f}")
    print(f"expected calibration error {off / max(1, len(words)):.4f}")


def show_opinions(words):
    """A word with `otherwise` is one about which the engines differed."""
    differed = [word for word in words if word.get("otherwise")]
    for engine, heading in (("neural", "second engine chosen"), ("tesseract", "first engine kept")):
        some = [word for word in differed if word["otherwise"]["engine"] == engine]
        right = sum(word["right"] for word in some)
        lost = sum(word["other_right"] for word in some)
        print(f"{heading}: {len(some)}, rightly {right}, wrongly {lost} (neither {len(some) - right - lost})")
    print(f"asked and differed: {len(differed)} of {len(words)} words")


if __name__ == "__main__":
    main()
