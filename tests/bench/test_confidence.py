import unittest

from confidence import judged

TRUTH = " Ủy ban nhân dân tỉnh Số: 575/QĐ-UBND ngày 4 tháng 2 "


def line(*texts, zone="body"):
    return [{"text": text, "line": 0, "block": 0, "zone": zone, "confidence": 0.9} for text in texts]


class Judged(unittest.TestCase):
    def test_a_word_is_right_when_it_stands_whole_in_its_line(self):
        found = judged(line("nhân", "dăn", "tỉnh", "Số:", "575/QĐ-UBN"), TRUTH)
        self.assertEqual([word["right"] for word in found], [True, False, True, True, False])

    def test_a_line_that_is_not_in_the_truth_is_not_judged(self):
        self.assertEqual(judged(line("xyz", "qwk", "lmn"), TRUTH), [])
        self.assertEqual(judged(line("nhân", "dân", zone="overlay"), TRUTH), [])

    def test_what_was_not_chosen_may_have_been_right(self):
        words = line("nhân", "dăn", "tỉnh")
        words[1]["otherwise"] = {"engine": "tesseract", "text": "dân"}
        self.assertTrue(judged(words, TRUTH)[1]["other_right"])
        words[1]["otherwise"]["text"] = "dằn"
        self.assertFalse(judged(words, TRUTH)[1]["other_right"])


if __name__ == "__main__":
    unittest.main()
