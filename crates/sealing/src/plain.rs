//! Reads as much of a PDF as signing it takes: where its objects stand, by plain tables of
//! cross-references, and what a dictionary's entries are. Of files of our own only; others are
//! refused rather than guessed at.

use std::collections::BTreeMap;
use std::ops::Range;

/// Updates followed back to the first file; every signature is one.
const MAX_UPDATES: usize = 64;
/// Objects within objects.
const MAX_DEPTH: usize = 32;

/// A PDF's objects.
#[derive(Debug)]
pub(crate) struct Plain<'a> {
    file: &'a [u8],
    places: BTreeMap<u32, usize>,
    /// The newest trailer.
    trailer: Dictionary<'a>,
    /// Where the newest table stands.
    pub(crate) start: usize,
    /// One more than the highest number of an object.
    pub(crate) size: u32,
}

/// A dictionary's entries, in order, each value as it is written.
#[derive(Debug, Clone)]
pub(crate) struct Dictionary<'a> {
    entries: Vec<(&'a [u8], &'a [u8])>,
    /// As it is written, with its brackets.
    pub(crate) text: &'a [u8],
}

impl<'a> Plain<'a> {
    /// None where the file isn't one of ours.
    pub(crate) fn of(file: &'a [u8]) -> Option<Self> {
        let tail = file.len().saturating_sub(64);
        let at = tail + file[tail..].windows(9).rposition(|own| own == b"startxref")?;
        let start = usize::try_from(number(file, skip_space(file, at + 9))?.0).ok()?;
        let (mut places, mut trailers) = (BTreeMap::new(), Vec::new());
        let mut next = Some(start);
        while let Some(at) = next {
            if MAX_UPDATES <= trailers.len() {
                return None;
            }
            let trailer = table(file, at, &mut places)?;
            next = match trailer.get(b"Prev") {
                Some(text) => Some(usize::try_from(number(text, 0)?.0).ok()?),
                None => None,
            };
            // Backwards only, so that it ends.
            if next.is_some_and(|next| at <= next) || trailer.get(b"Encrypt").is_some() {
                return None;
            }
            trailers.push(trailer);
        }
        let trailer = trailers.into_iter().next()?;
        let size = u32::try_from(number(trailer.get(b"Size")?, 0)?.0).ok()?;
        Some(Self { file, places, trailer, start, size })
    }

    /// Numbers of the objects that are other ones now, or gone.
    pub(crate) fn changed(&self, now: &Plain<'_>) -> Vec<u32> {
        let places = self.places.iter();
        places.filter(|(id, at)| now.places.get(*id) != Some(*at)).map(|(id, _)| *id).collect()
    }

    pub(crate) fn trailer(&self) -> &Dictionary<'a> {
        &self.trailer
    }

    /// An object as it is written, without what stands around it.
    pub(crate) fn object(&self, id: u32) -> Option<&'a [u8]> {
        let (said, at) = number(self.file, *self.places.get(&id)?)?;
        let (_generation, at) = number(self.file, skip_space(self.file, at))?;
        let at = skip_space(self.file, at);
        let at = skip_space(self.file, self.file[at..].starts_with(b"obj").then_some(at + 3)?);
        (said == u64::from(id)).then_some(())?;
        Some(&self.file[at..value_end(self.file, at, 0)?])
    }

    pub(crate) fn dictionary(&self, id: u32) -> Option<Dictionary<'a>> {
        Dictionary::of(self.object(id)?)
    }

    /// A stream's bytes as they are written; nothing where their length stands elsewhere.
    pub(crate) fn stream(&self, id: u32) -> Option<&'a [u8]> {
        let dictionary = self.dictionary(id)?;
        let length = usize::try_from(number(dictionary.get(b"Length")?, 0)?.0).ok()?;
        let at = dictionary.text.as_ptr() as usize - self.file.as_ptr() as usize;
        let at = skip_space(self.file, at + dictionary.text.len());
        let rest = self.file.get(at..)?.strip_prefix(b"stream")?;
        let rest = rest.strip_prefix(b"\r\n").or_else(|| rest.strip_prefix(b"\n"))?;
        rest.get(..length)
    }

    pub(crate) fn root(&self) -> Option<u32> {
        reference(self.trailer.get(b"Root")?)
    }

    /// The pages, in order.
    pub(crate) fn pages(&self) -> Option<Vec<u32>> {
        let catalog = self.dictionary(self.root()?)?;
        let pages = self.dictionary(reference(catalog.get(b"Pages")?)?)?;
        let kids = references(pages.get(b"Kids")?)?;
        let is_page = |id: &u32| {
            self.dictionary(*id).is_some_and(|page| page.get(b"Type") == Some(b"/Page".as_slice()))
        };
        kids.iter().all(is_page).then_some(kids)
    }
}

impl<'a> Dictionary<'a> {
    pub(crate) fn of(text: &'a [u8]) -> Option<Self> {
        let inner = text.strip_prefix(b"<<")?.strip_suffix(b">>")?;
        let (mut entries, mut at) = (Vec::new(), skip_space(inner, 0));
        while at < inner.len() {
            let key = at + 1..value_end(inner, at, 0)?;
            if inner[at] != b'/' {
                return None;
            }
            let value: Range<usize> = {
                let from = skip_space(inner, key.end);
                from..operand_end(inner, from)?
            };
            entries.push((&inner[key], &inner[value.clone()]));
            at = skip_space(inner, value.end);
        }
        Some(Self { entries, text })
    }

    /// The value of an entry; of two of one name neither.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&'a [u8]> {
        let mut found = self.entries.iter().filter(|(own, _)| *own == key);
        let (_, value) = found.next()?;
        found.next().is_none().then_some(*value)
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a [u8]> {
        self.entries.iter().map(|(key, _)| *key)
    }

    /// The entries but one.
    pub(crate) fn without(&self, key: &[u8]) -> Vec<(&'a [u8], &'a [u8])> {
        self.entries.iter().filter(|(own, _)| *own != key).copied().collect()
    }

    /// As it is written, with one entry more.
    pub(crate) fn with(&self, entry: &str) -> Vec<u8> {
        let inner = &self.text[..self.text.len() - 2];
        [inner, entry.as_bytes(), b">>"].concat()
    }
}

/// Reads a table and its trailer; entries of newer tables stand.
fn table<'a>(
    file: &'a [u8],
    at: usize,
    places: &mut BTreeMap<u32, usize>,
) -> Option<Dictionary<'a>> {
    let mut at = skip_space(file, file.get(at..)?.starts_with(b"xref").then_some(at + 4)?);
    while !file.get(at..)?.starts_with(b"trailer") {
        let (first, next) = number(file, at)?;
        let (count, next) = number(file, skip_space(file, next))?;
        let first = u32::try_from(first).ok()?;
        at = skip_space(file, next);
        for n in 0..u32::try_from(count).ok()? {
            let (place, next) = number(file, at)?;
            let (_generation, next) = number(file, skip_space(file, next))?;
            let kind = skip_space(file, next);
            if file.get(kind) == Some(&b'n') {
                let place = usize::try_from(place).ok()?;
                places.entry(first.checked_add(n)?).or_insert(place);
            }
            at = skip_space(file, kind + 1);
        }
    }
    let at = skip_space(file, at + 7);
    Dictionary::of(file.get(at..value_end(file, at, 0)?)?)
}

/// The number of the object that `12 0 R` refers to.
pub(crate) fn reference(text: &[u8]) -> Option<u32> {
    let (id, next) = number(text, 0)?;
    let (_, next) = number(text, skip_space(text, next))?;
    (text.get(skip_space(text, next)..)? == b"R").then_some(())?;
    u32::try_from(id).ok()
}

/// The numbers of the objects that an array refers to.
pub(crate) fn references(text: &[u8]) -> Option<Vec<u32>> {
    let inner = text.strip_prefix(b"[")?.strip_suffix(b"]")?;
    let (mut found, mut at) = (Vec::new(), skip_space(inner, 0));
    while at < inner.len() {
        let end = operand_end(inner, at)?;
        found.push(reference(&inner[at..end])?);
        at = skip_space(inner, end);
    }
    Some(found)
}

/// The numbers of an array.
pub(crate) fn numbers(text: &[u8]) -> Option<Vec<f64>> {
    let inner = std::str::from_utf8(text.strip_prefix(b"[")?.strip_suffix(b"]")?).ok()?;
    inner.split_ascii_whitespace().map(|word| word.parse().ok()).collect()
}

fn skip_space(text: &[u8], mut at: usize) -> usize {
    while text.get(at).is_some_and(|byte| matches!(byte, 0 | 9 | 10 | 12 | 13 | 32)) {
        at += 1;
    }
    at
}

/// A whole number, and where it ends.
fn number(text: &[u8], at: usize) -> Option<(u64, usize)> {
    let digits = text.get(at..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let word = std::str::from_utf8(&text[at..at + digits]).ok()?;
    Some((word.parse().ok()?, at + digits))
}

/// Where a value ends that may be a reference.
fn operand_end(text: &[u8], at: usize) -> Option<usize> {
    let end = value_end(text, at, 0)?;
    let referred = || {
        let (_, next) = number(text, at)?;
        let (_, next) = number(text, skip_space(text, next))?;
        let letter = skip_space(text, next);
        (text.get(letter) == Some(&b'R')).then_some(letter + 1)
    };
    Some(referred().unwrap_or(end))
}

/// Where a value ends: a dictionary, an array, a string, a name, or a word.
fn value_end(text: &[u8], at: usize, depth: usize) -> Option<usize> {
    if MAX_DEPTH < depth {
        return None;
    }
    let list = |open: usize, close: &[u8]| {
        let mut at = skip_space(text, at + open);
        while !text.get(at..)?.starts_with(close) {
            at = skip_space(text, value_end(text, at, depth + 1)?);
        }
        Some(at + close.len())
    };
    match text.get(at..)? {
        [b'<', b'<', ..] => list(2, b">>"),
        [b'[', ..] => list(1, b"]"),
        [b'<', rest @ ..] => Some(at + 2 + rest.iter().position(|byte| *byte == b'>')?),
        [b'(', ..] => string_end(text, at),
        [first, rest @ ..] => {
            let ends = |byte: &u8| {
                matches!(byte, 0 | 9 | 10 | 12 | 13 | 32 | b'/' | b'<' | b'>' | b'[' | b']' | b'(')
            };
            let more = rest.iter().position(ends).unwrap_or(rest.len());
            (!matches!(first, b'>' | b']' | b')')).then_some(at + 1 + more)
        }
        [] => None,
    }
}

fn string_end(text: &[u8], at: usize) -> Option<usize> {
    let (mut open, mut at) = (0_usize, at);
    loop {
        match text.get(at)? {
            b'\\' => at += 1,
            b'(' => open += 1,
            b')' => open -= 1,
            _ => {}
        }
        at += 1;
        if open == 0 {
            return Some(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dictionarys_entries_are_told_apart_whatever_is_in_them() {
        let text = br"<</A 1 0 R/B[1 2 0 R]/C(\)/D 9)/E<</A 2>>/F<41>/G/H/I 3.5 /J true>>";
        let dictionary = Dictionary::of(text).unwrap();
        let get = |key: &[u8]| dictionary.get(key).map(|own| String::from_utf8_lossy(own));
        for (key, value) in
            [("A", "1 0 R"), ("B", "[1 2 0 R]"), ("E", "<</A 2>>"), ("G", "/H"), ("I", "3.5")]
        {
            assert_eq!(get(key.as_bytes()).as_deref(), Some(value));
        }
        assert_eq!((get(b"D"), get(b"H")), (None, None));
        assert_eq!(reference(b"12 0 R"), Some(12));
        assert_eq!(references(b"[1 0 R 22 0 R]"), Some(vec![1, 22]));
    }

    #[test]
    fn what_is_cut_off_or_nested_without_end_is_refused() {
        let deep = [b"<<".repeat(100), b">>".repeat(100)].concat();
        for text in [&b"<</A"[..], b"<</A(>>", b"<</A[>>", b"<<A 1>>", b"<</A 1>> ", &deep] {
            assert!(Dictionary::of(text).is_none(), "{}", String::from_utf8_lossy(text));
        }
        assert!(Plain::of(b"%PDF-1.7\nstartxref\n99\n%%EOF").is_none());
        assert!(Plain::of(b"").is_none());
    }
}
