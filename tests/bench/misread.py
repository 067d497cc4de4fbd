"""How many characters of a gold text were misread.

Texts are compared in NFC, white space folded, without spaces around a slash (numbers filled in by
hand leave gaps there). Lines of the gold text that begin with `#` (stamps, handwriting) don't
count.
"""

import re
import unicodedata


def folded(text):
    return re.sub(r" ?/ ?", "/", " ".join(unicodedata.normalize("NFC", text).split()))


def gold_lines(gold):
    lines = [folded(line) for line in gold.splitlines() if not line.startswith("#")]
    return [line for line in lines if len(line) > 1]


def edits(gold, text, anywhere):
    """Least edits that turn `gold` into `text`, or into any stretch of it; and where that ends.

    Myers' way: a column of the table of edit distances is kept as two numbers, whose bits say
    where it rises and where it falls from one character of `gold` to the next.
    """
    if not gold:
        return (0, 0) if anywhere else (len(text), len(text))
    places = {}
    for at, char in enumerate(gold):
        places[char] = places.get(char, 0) | 1 << at
    whole, last = (1 << len(gold)) - 1, 1 << len(gold) - 1
    rises, falls = whole, 0
    distance = least = len(gold)
    end = 0
    for at, char in enumerate(text, 1):
        same = places.get(char, 0)
        level = (((same & rises) + rises) ^ rises) | same | falls
        up, down = falls | ~(level | rises) & whole, rises & level
        distance += bool(up & last) - bool(down & last)
        if distance < least:
            least, end = distance, at
        up, down = up << 1 | (not anywhere), down << 1
        rises = (down | ~((same | falls) | up)) & whole
        falls = up & (same | falls) & whole
    return (least, end) if anywhere else (distance, len(text))


def misread(gold, text):
    """Share of characters misread by line (each printed line is looked for anywhere in the text)
    and in the whole (order counts, too), and how many characters the lines have."""
    lines, text = gold_lines(gold), folded(text)
    whole, chars = folded(" ".join(lines)), sum(map(len, lines))
    by_line = sum(min(edits(line, text, True)[0], len(line)) for line in lines)
    in_order = min(edits(whole, text, False)[0], len(whole))
    return by_line / chars, in_order / len(whole), chars
