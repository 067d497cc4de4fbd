//! Finding phrases in text that an engine misread: accents are folded away, a bounded number of
//! letters may differ, and a page is folded once for all phrases.

use std::ops::Range;

use schemas::text;

/// Letters of the folded alphabet: `a` to `z`, `0` to `9`, and the space.
const LETTERS: usize = 37;
const SPACE: u8 = 36;

/// Longest phrase that is compared, in letters, the spaces at both ends included: a machine
/// word of Myers' algorithm. What a phrase says beyond that is not needed to know it.
const LONGEST: usize = 64;

/// Text as it is compared: folded, punctuation as space, single spaces, one at either end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    letters: Vec<u8>,
}

impl Text {
    pub(crate) fn new(text: &str) -> Self {
        Self::of_folded(&text::fold(text))
    }

    /// Of text that is folded already.
    pub(crate) fn of_folded(folded: &str) -> Self {
        let mut letters = Vec::with_capacity(folded.len() + 2);
        letters.push(SPACE);
        for byte in folded.bytes() {
            let letter = letter(byte);
            if letter != SPACE || letters.last() != Some(&SPACE) {
                letters.push(letter);
            }
        }
        if letters.last() != Some(&SPACE) {
            letters.push(SPACE);
        }
        Self { letters }
    }

    /// Letters without the spaces at the ends.
    pub(crate) fn len(&self) -> usize {
        self.letters.len().saturating_sub(2)
    }

    /// Without a first word of a single letter: what dirt before a line is read as.
    pub(crate) fn without_dirt(&self) -> Option<Self> {
        let dirty = self.letters.len() > 4 && self.letters[2] == SPACE;
        dirty.then(|| Self { letters: self.letters[2..].to_vec() })
    }
}

/// Text in which many phrases are looked for: where each group of three letters stands.
pub(crate) struct Searched {
    text: Text,
    /// How often each group stands in the text, up to 255 times.
    counts: Vec<u8>,
    /// Groups with their places, in order.
    places: Vec<(u16, usize)>,
}

impl Searched {
    pub(crate) fn new(text: Text) -> Self {
        let mut counts = vec![0u8; LETTERS * LETTERS * LETTERS];
        let mut places = Vec::with_capacity(text.letters.len());
        for (place, group) in groups(&text.letters).enumerate() {
            counts[usize::from(group)] = counts[usize::from(group)].saturating_add(1);
            places.push((group, place));
        }
        places.sort_unstable();
        Self { text, counts, places }
    }

    fn places(&self, group: u16) -> impl Iterator<Item = usize> {
        let first = self.places.partition_point(|(g, _)| *g < group);
        self.places[first..].iter().take_while(move |(g, _)| *g == group).map(|(_, place)| *place)
    }
}

/// Groups of three letters, each as a number.
fn groups(letters: &[u8]) -> impl Iterator<Item = u16> {
    const LETTERS: u16 = 37;
    letters.windows(3).map(|g| g.iter().fold(0, |n, letter| n * LETTERS + u16::from(*letter)))
}

/// A phrase, prepared.
#[derive(Debug, Clone)]
pub(crate) struct Phrase {
    text: Text,
    /// For every letter, the places of the phrase that hold it.
    masks: [u64; LETTERS],
    /// Its groups of three letters.
    groups: Vec<u16>,
    /// Letters that may be wrong.
    tolerance: usize,
}

/// How a phrase was found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found {
    /// Share of the phrase's letters that agree, 0 to 1.
    pub(crate) likeness: f32,
    /// Letters of the text up to the end of the find.
    pub(crate) end: usize,
}

impl Phrase {
    /// `None` for a phrase without letters.
    pub(crate) fn new(phrase: &str) -> Option<Self> {
        let mut text = Text::new(phrase);
        if text.len() == 0 {
            return None;
        }
        if text.letters.len() > LONGEST {
            let whole_words = text.letters[..LONGEST].iter().rposition(|l| *l == SPACE);
            text.letters.truncate(whole_words.filter(|n| *n > 2).map_or(LONGEST, |n| n + 1));
        }
        let mut masks = [0; LETTERS];
        for (place, letter) in text.letters.iter().enumerate() {
            masks[usize::from(*letter)] |= 1 << place;
        }
        let tolerance = tolerance(text.len());
        let groups = groups(&text.letters).collect();
        Some(Self { text, masks, groups, tolerance })
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    /// The best find anywhere in `searched`, from a word's start to a word's end.
    pub(crate) fn find(&self, searched: &Searched) -> Option<Found> {
        let letters = &searched.text.letters;
        let windows = self.windows(searched);
        if windows.iter().map(|w| w.len()).sum::<usize>() >= letters.len() {
            return self.scan(letters, false);
        }
        let finds = windows.into_iter().filter_map(|window| {
            let found = self.scan(&letters[window.clone()], false)?;
            Some(Found { end: found.end + window.start, ..found })
        });
        finds.reduce(|best, found| if found.likeness > best.likeness { found } else { best })
    }

    /// Stretches of the text in which the phrase may stand. Of one part more than there may be
    /// wrong letters, at least one part must stand there exactly, and so does the rarest of its
    /// groups.
    fn windows(&self, searched: &Searched) -> Vec<Range<usize>> {
        let (length, parts) = (self.text.letters.len(), self.tolerance + 1);
        let mut windows: Vec<Range<usize>> = Vec::new();
        for part in 0..parts {
            let (from, to) = (part * length / parts, (part + 1) * length / parts);
            let count = |place: &usize| searched.counts[usize::from(self.groups[*place])];
            let Some(rarest) = (from..to.saturating_sub(2)).min_by_key(count) else { continue };
            if count(&rarest) > 0 {
                windows.extend(searched.places(self.groups[rarest]).map(|place| {
                    let start = place.saturating_sub(rarest + self.tolerance);
                    let end = place + length - rarest + self.tolerance;
                    start..end.min(searched.text.letters.len())
                }));
            }
        }
        windows.sort_unstable_by_key(|w| w.start);
        windows.dedup_by(|next, last| {
            let joined = next.start <= last.end;
            if joined {
                last.end = last.end.max(next.end);
            }
            joined
        });
        windows
    }

    /// The find with which `text` starts.
    pub(crate) fn find_at_start(&self, text: &Text) -> Option<Found> {
        let dirty = || text.without_dirt().and_then(|t| self.scan(&t.letters, true));
        self.scan(&text.letters, true).or_else(dirty)
    }

    /// Myers' bit-parallel edit distance (J. ACM 46, 1999) against every end in `letters`;
    /// with `anchored` only against beginnings.
    fn scan(&self, letters: &[u8], anchored: bool) -> Option<Found> {
        let length = self.text.letters.len();
        let last = 1u64 << (length - 1);
        let (mut plus, mut minus, mut distance) = (u64::MAX, 0u64, length);
        let mut best: Option<(usize, usize)> = None;
        let ends_at =
            if anchored { letters.len().min(length + self.tolerance) } else { letters.len() };
        for (end, letter) in letters[..ends_at].iter().enumerate() {
            let equal = self.masks[usize::from(*letter)];
            let vertical = equal | minus;
            let horizontal = (((equal & plus).wrapping_add(plus)) ^ plus) | equal;
            let mut up = minus | !(horizontal | plus);
            let mut down = plus & horizontal;
            if up & last != 0 {
                distance += 1;
            } else if down & last != 0 {
                distance -= 1;
            }
            up = (up << 1) | u64::from(anchored);
            down <<= 1;
            plus = down | !(vertical | up);
            minus = up & vertical;
            let word_ends = *letter == SPACE;
            if word_ends && distance <= self.tolerance && best.is_none_or(|(d, _)| distance < d) {
                best = Some((distance, end));
            }
        }
        best.map(|(distance, end)| Found { likeness: likeness(distance, self.len()), end })
    }
}

/// Wrong letters that a phrase of so many letters may have: one in eight. More, and "đăng ký
/// khai sinh" is found in "đăng ký lại khai sinh"; fewer, and a bad scan loses its title.
fn tolerance(length: usize) -> usize {
    if length < 6 { 0 } else { (length / 8).max(1) }
}

#[expect(clippy::cast_precision_loss, reason = "lengths of phrases are below 64")]
fn likeness(distance: usize, length: usize) -> f32 {
    1.0 - distance as f32 / length.max(1) as f32
}

fn letter(byte: u8) -> u8 {
    match byte {
        b'a'..=b'z' => byte - b'a',
        b'0'..=b'9' => byte - b'0' + 26,
        _ => SPACE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phrase: &str, text: &str, want: Option<f32>) {
        let phrase = Phrase::new(phrase).unwrap();
        let found = phrase.find(&Searched::new(Text::new(text)));
        assert_eq!(found.map(|f| (f.likeness * 100.0).round() / 100.0), want, "{text}");
    }

    #[test]
    fn a_phrase_is_found_with_letters_misread_and_accents_lost() {
        check("GIẤY KHAI SINH", "UBND xã\nGIAY KHAl SINH (bản sao)", Some(0.93));
        check("GIẤY KHAI SINH", "Giấy khai  sinh", Some(1.0));
        check("Họ, chữ đệm, tên", "1. Ho, chu dém, tên : Nguyễn", Some(1.0));
        check("GIẤY KHAI SINH", "TỜ KHAI ĐĂNG KÝ KHAI SINH", None);
        check("CT01", "Mẫu CT02", None);
    }

    #[test]
    fn looking_in_windows_finds_what_looking_everywhere_finds() {
        let text =
            "Họ, chữ đệm, tên nguời di khai sình: NGUYỄN VĂN MẪU, nơi dăng ký khai tử, ".repeat(20);
        let searched = Searched::new(Text::new(&text));
        for phrase in
            ["Nơi đăng ký khai sinh", "người đi khai sinh", "Nơi đăng ký khai tử", "ten", "x"]
        {
            let phrase = Phrase::new(phrase).unwrap();
            let everywhere = phrase.scan(&searched.text.letters, false).map(|f| f.likeness);
            assert_eq!(phrase.find(&searched).map(|f| f.likeness), everywhere);
        }
    }

    #[test]
    fn a_phrase_is_whole_words() {
        check("SỔ HỘ", "sổ hộ khẩu", Some(1.0));
        check("SỔ HỘ", "sổ hội", None);
    }

    #[test]
    fn the_start_of_a_line_is_not_its_middle() {
        let title = Phrase::new("QUYẾT ĐỊNH").unwrap();
        assert_eq!(title.find_at_start(&Text::new("Quyét định này")).map(|f| f.end), Some(11));
        assert!(title.find_at_start(&Text::new("` QUYÉT ĐỊNH")).is_some());
        assert!(title.find_at_start(&Text::new("x QUYÉT ĐỊNH")).is_some());
        assert!(title.find_at_start(&Text::new("Theo quyết định")).is_none());
    }

    #[test]
    fn long_phrases_are_cut_at_a_word() {
        let long = "ĐƠN ĐỀ NGHỊ CẤP GIẤY CHỨNG NHẬN ĐĂNG KÝ KINH DOANH VÀ GIẤY PHÉP HOẠT ĐỘNG";
        let phrase = Phrase::new(long).unwrap();
        assert!(phrase.len() < LONGEST);
        assert!(phrase.find(&Searched::new(Text::new(long))).is_some_and(|f| f.likeness == 1.0));
    }
}
