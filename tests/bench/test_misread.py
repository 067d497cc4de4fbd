"""That errors are counted right: python3 -m unittest discover tests/bench"""

import random
import unittest

from misread import edits, misread


def by_table(gold, text, anywhere):
    """The textbook's table, one row a character."""
    row = [0] * (len(text) + 1) if anywhere else list(range(len(text) + 1))
    for i, g in enumerate(gold, 1):
        before, row = row, [i]
        for j, t in enumerate(text, 1):
            row.append(min(before[j - 1] + (g != t), before[j] + 1, row[-1] + 1))
    return min(row) if anywhere else row[-1]


class Misread(unittest.TestCase):
    def test_known_texts_have_known_distances(self):
        self.assertEqual(edits("quyết định", "quyet đinh", False)[0], 2)
        self.assertEqual(edits("định", "", False)[0], 4)
        self.assertEqual(edits("số 47", "QUYẾT số 41 năm", True), (1, 10))
        self.assertEqual(edits("ngày", "", True)[0], 4)

    def test_distances_are_those_of_the_textbook(self):
        chance = random.Random(7)
        for _ in range(300):
            gold, text = ("".join(chance.choices("abđ ", k=chance.randrange(90))) for _ in "ab")
            for anywhere in (False, True):
                self.assertEqual(edits(gold, text, anywhere)[0], by_table(gold, text, anywhere))

    def test_order_counts_in_the_whole_and_not_by_line(self):
        gold = "# con dấu\nSố: 47 / QĐ\nĐộc lập"
        self.assertEqual(misread(gold, "Độc  lập\nSố: 47/QĐ"), (0, 16 / 17, 16))
        self.assertEqual(misread(gold, "Số: 47/QĐ\u000cĐộc lâp"), (1 / 16, 1 / 17, 16))


if __name__ == "__main__":
    unittest.main()
