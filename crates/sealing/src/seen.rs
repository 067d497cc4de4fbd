//! A sealed file, looked at again: which images are in it, which signatures, and whether what
//! was added after one of them is nothing but signatures.

use std::collections::BTreeMap;

use crate::plain::{Dictionary, Plain, numbers, reference, references};

/// Tallest that a signature may show, in points: what is added later must not cover the paper.
const TALLEST: f64 = 40.0;

/// What a field of a signature may have; no actions.
const FIELD_KEYS: [&[u8]; 10] =
    [b"Type", b"Subtype", b"FT", b"T", b"V", b"P", b"Rect", b"F", b"AP", b"Lock"];

/// A file that was sealed here.
#[derive(Debug)]
pub struct Sealed<'a> {
    plain: Plain<'a>,
    file: &'a [u8],
}

impl<'a> Sealed<'a> {
    /// None where the file isn't one that was sealed here.
    #[must_use]
    pub fn of(file: &'a [u8]) -> Option<Self> {
        Some(Self { plain: Plain::of(file)?, file })
    }

    /// The image of each page, as it is kept; none for one that was kept otherwise than it stands
    /// in a PDF, as a PNG is.
    #[must_use]
    pub fn images(&self) -> Option<Vec<Option<&'a [u8]>>> {
        let mut images = Vec::new();
        for page in self.plain.pages()? {
            let page = self.plain.dictionary(page)?;
            let resources = Dictionary::of(page.get(b"Resources")?)?;
            let image = reference(Dictionary::of(resources.get(b"XObject")?)?.get(b"I")?)?;
            let filter = self.plain.dictionary(image)?.get(b"Filter");
            let is_kept = matches!(filter, Some(b"/DCTDecode" | b"/CCITTFaxDecode"));
            let bytes = self.plain.stream(image)?;
            images.push(is_kept.then_some(bytes));
        }
        Some(images)
    }

    /// The moment that the signature of these bytes states, as it is written; none where no field
    /// has it.
    #[must_use]
    pub fn moment(&self, contents: &[u8]) -> Option<&'a str> {
        let fields = self.fields()?;
        let found = fields.iter().filter_map(|field| {
            let value = self.plain.dictionary(*field)?;
            self.plain.dictionary(reference(value.get(b"V")?)?)
        });
        let digits = |text: &[u8]| text.iter().filter_map(|digit| nibble(*digit)).collect();
        let own: Vec<u8> = contents.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect();
        let mut found = found.filter(|value| {
            let said: Option<Vec<u8>> = value.get(b"Contents").map(digits);
            said.is_some_and(|said| said == own)
        });
        let text = found.next()?.get(b"M")?.strip_prefix(b"(")?.strip_suffix(b")")?;
        std::str::from_utf8(text).ok()
    }

    /// How many fields for signatures there are.
    #[must_use]
    pub fn signature_fields(&self) -> usize {
        self.fields().map_or(0, |fields| fields.len())
    }

    /// Whether what stands after that place of the file does nothing but add signatures: a later
    /// update could otherwise change what an earlier signature seems to be for.
    #[must_use]
    pub fn only_signed_since(&self, end: usize) -> bool {
        let more = self.file.get(end..).unwrap_or_default();
        more.trim_ascii().is_empty() || self.compared(end) == Some(true)
    }

    fn fields(&self) -> Option<Vec<u32>> {
        let catalog = self.plain.dictionary(self.plain.root()?)?;
        let Some(form) = catalog.get(b"AcroForm") else { return Some(Vec::new()) };
        references(self.plain.dictionary(reference(form)?)?.get(b"Fields")?)
    }

    fn compared(&self, end: usize) -> Option<bool> {
        let (now, before) = (&self.plain, Sealed::of(self.file.get(..end)?)?);
        if now.root() != before.plain.root()
            || now.trailer().get(b"Info") != before.plain.trailer().get(b"Info")
        {
            return Some(false);
        }
        let (root, page) = (now.root()?, *now.pages()?.first()?);
        let (old_fields, fields) = (before.fields()?, self.fields()?);
        let (old_shown, shown) = (before.shown(page)?, self.shown(page)?);
        // What was there stays, and each new field is on the first page.
        let (Some(new), Some(new_shown)) =
            (fields.strip_prefix(&*old_fields), shown.strip_prefix(&*old_shown))
        else {
            return Some(false);
        };
        let is_new = |id: &u32| before.plain.size <= *id;
        if new != new_shown || !new.iter().all(|id| is_new(id) && self.is_signature(*id)) {
            return Some(false);
        }
        let mut may_change = BTreeMap::new();
        for (id, key) in [(root, &b"AcroForm"[..]), (page, b"Annots")] {
            let list = now.dictionary(id)?.get(key).and_then(reference);
            may_change.insert(id, key);
            may_change.extend(list.map(|list| (list, &b""[..])));
        }
        for id in before.plain.changed(now) {
            let same = match may_change.get(&id).copied() {
                None => false,
                Some(b"") => self.is_list(id),
                Some(key) => {
                    now.dictionary(id)?.without(key) == before.plain.dictionary(id)?.without(key)
                }
            };
            if !same {
                return Some(false);
            }
        }
        Some(true)
    }

    /// The annotations of a page.
    fn shown(&self, page: u32) -> Option<Vec<u32>> {
        let Some(list) = self.plain.dictionary(page)?.get(b"Annots").map(reference) else {
            return Some(Vec::new());
        };
        references(self.plain.object(list?)?)
    }

    /// Whether an object is the form with nothing but its fields, or a list.
    fn is_list(&self, id: u32) -> bool {
        let form = self.plain.dictionary(id).map(|form| form.without(b"Fields"));
        form.is_none_or(|rest| rest == [(&b"SigFlags"[..], &b"3"[..])])
    }

    fn is_signature(&self, id: u32) -> bool {
        let Some(field) = self.plain.dictionary(id) else { return false };
        let height = field.get(b"Rect").and_then(numbers).map(|edges| match edges[..] {
            [_, bottom, _, top] => (top - bottom).abs(),
            _ => f64::INFINITY,
        });
        field.get(b"FT") == Some(b"/Sig")
            && field.get(b"Subtype") == Some(b"/Widget")
            && height.is_some_and(|height| height <= TALLEST)
            && field.keys().all(|key| FIELD_KEYS.contains(&key))
    }
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}
