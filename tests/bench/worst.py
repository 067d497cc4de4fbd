"""Draws the pages that were misread most: worst.py TEXTS GOLD OUT COUNT

Each page beside its misread lines (above as printed, below as read, red what differs) and the
whole text as it was read.
"""

import difflib
import pathlib
import sys

from misread import edits, folded, gold_lines, misread
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/liberation2/LiberationSans-Regular.ttf"
HEIGHT, COLUMN, EDGE, LINE = 1600, 1000, 20, 24
BLACK, GREY, RED = "#000000", "#808080", "#d00000"


def main():
    texts, gold, out = map(pathlib.Path, sys.argv[1:4])
    out.mkdir(parents=True, exist_ok=True)
    found = []
    for path in sorted(gold.glob("*.gt.txt")):
        name = path.name.removesuffix(".gt.txt")
        printed = path.read_text(encoding="utf-8")
        text = (texts / f"{name}.txt").read_text(encoding="utf-8")
        by_line, whole, _ = misread(printed, text)
        found.append((whole, by_line, name, printed, text))
    for whole, by_line, name, printed, text in sorted(found, reverse=True)[: int(sys.argv[4])]:
        [image] = (path for path in gold.glob(f"{name}.*") if path.suffix != ".txt")
        head = f"{name}: misread by line {by_line:.2%}, whole {whole:.2%}"
        picture(image, head, printed, text).save(out / f"{name}.png")
        print(f"{out / name}.png")


def picture(image, head, printed, text):
    with Image.open(image) as page:
        page = page.convert("RGB")
    page = page.resize((page.width * HEIGHT // page.height, HEIGHT))
    sheet = Image.new("RGB", (page.width + 2 * COLUMN, HEIGHT), "white")
    sheet.paste(page)
    draw = ImageDraw.Draw(sheet)
    pairs = [[(head, BLACK)], []]
    for line in gold_lines(printed):
        read = found_in(line, folded(text))
        if read != line:
            pairs += [*compared(line, read), []]
    column(draw, page.width + EDGE, pairs)
    column(draw, page.width + COLUMN + EDGE, [[(line, BLACK)] for line in text.splitlines()])
    return sheet


def found_in(line, text):
    """The stretch of the text that is most like the line."""
    _, end = edits(line, text, True)
    _, length = edits(line[::-1], text[:end][::-1], True)
    return text[end - length : end]


def compared(line, read):
    """Both as stretches of text and their colour."""
    above, below = [], []
    for what, i, j, k, m in difflib.SequenceMatcher(None, line, read, False).get_opcodes():
        above.append((line[i:j], GREY if what == "equal" else RED))
        below.append((read[k:m], BLACK if what == "equal" else RED))
    return above, below


def column(draw, left, lines):
    font = ImageFont.truetype(FONT, 18)
    for at, stretches in enumerate(lines[: (HEIGHT - 2 * EDGE) // LINE]):
        x = left
        for stretch, colour in stretches:
            draw.text((x, EDGE + at * LINE), stretch, colour, font)
            x += draw.textlength(stretch, font)


main()
