//! Room for a signature: an update at a sealed file's end (ISO 32000-1, 7.5.6) with a signature
//! field and a hole for the signature's digits. What stood before is not touched, so earlier
//! signatures hold.

use std::ops::Range;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use pdf_writer::Ref;

use crate::plain::{Plain, numbers, reference, references};
use crate::shown::{Corner, show};

/// What a signature says of itself in the file.
#[derive(Debug, Clone, Copy)]
pub struct Mark<'a> {
    /// Whose it is.
    pub name: &'a str,
    /// As what it is made: `Người số hóa`.
    pub role: &'a str,
    /// When.
    pub at: Timestamp,
    /// Where it shows; it doesn't when left out.
    pub corner: Option<Corner>,
    /// Longest that the signature may be, in bytes.
    pub room: usize,
}

/// Why a file can't be signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RoomError {
    /// It wasn't sealed here, or was changed since by somebody else.
    #[error("not a file that was sealed here")]
    Strange,
    /// The signature doesn't fit.
    #[error("a signature of {0} bytes has no room")]
    TooLong(usize),
}

/// A file with a hole for a signature.
#[derive(Debug)]
pub struct Room {
    bytes: Vec<u8>,
    /// The hole, its brackets within.
    hole: Range<usize>,
}

/// The zone that papers are dated in.
const HANOI: i8 = 7;
/// Digits that a place in the file takes.
const PLACE: usize = 10;

/// Makes room for one more signature, behind the file and without a copy of it, which may be large.
///
/// # Errors
/// [`RoomError::Strange`].
pub fn make_room(mut pdf: Vec<u8>, mark: &Mark) -> Result<Room, RoomError> {
    let (more, hole) = update(&pdf, mark).ok_or(RoomError::Strange)?;
    // No more than that: left to itself it would double.
    pdf.reserve_exact(more.len());
    pdf.extend(more);
    Ok(Room { bytes: pdf, hole })
}

impl Room {
    /// The bytes that are signed.
    #[must_use]
    pub fn covered(&self) -> [&[u8]; 2] {
        [&self.bytes[..self.hole.start], &self.bytes[self.hole.end..]]
    }

    /// The signed file.
    ///
    /// # Errors
    /// [`RoomError::TooLong`].
    pub fn fill(mut self, signature: &[u8]) -> Result<Vec<u8>, RoomError> {
        let digits = self.hole.start + 1..self.hole.end - 1;
        if digits.len() < 2 * signature.len() {
            return Err(RoomError::TooLong(signature.len()));
        }
        let own = hex(signature);
        self.bytes[digits][..own.len()].copy_from_slice(own.as_bytes());
        Ok(self.bytes)
    }
}

/// What is added to the file, and where the hole in it stands.
fn update(pdf: &[u8], mark: &Mark) -> Option<(Vec<u8>, Range<usize>)> {
    let plain = Plain::of(pdf)?;
    let root = plain.root()?;
    let (catalog, page_id) = (plain.dictionary(root)?, *plain.pages()?.first()?);
    let page = plain.dictionary(page_id)?;
    let size = match numbers(page.get(b"MediaBox")?)?.as_slice() {
        [_, _, width, height] => (*width, *height),
        _ => return None,
    };
    let mut next = Ref::new(i32::try_from(plain.size).ok()?);
    let mut end = Update { behind: pdf.len(), bytes: Vec::new(), places: Vec::new() };
    if !pdf.ends_with(b"\n") {
        end.bytes.push(b'\n');
    }

    // The field, in the form and on the page; both are there after the first signature.
    let (field, signature) = (next.bump(), next.bump());
    let (form, mut fields) = match catalog.get(b"AcroForm") {
        Some(form) => {
            let form = reference(form)?;
            (form, references(plain.dictionary(form)?.get(b"Fields")?)?)
        }
        None => {
            let form = number(next.bump());
            end.add(root, &catalog.with(&format!("/AcroForm {form} 0 R")));
            (form, Vec::new())
        }
    };
    let (annotations, mut shown) = match page.get(b"Annots") {
        Some(list) => {
            let list = reference(list)?;
            (list, references(plain.object(list)?)?)
        }
        None => {
            let list = number(next.bump());
            end.add(page_id, &page.with(&format!("/Annots {list} 0 R")));
            (list, Vec::new())
        }
    };
    let name = format!("Chu ky {}", fields.len() + 1);
    fields.push(number(field));
    shown.push(number(field));
    end.add(form, format!("<</Fields[{}]/SigFlags 3>>", listed(&fields)).as_bytes());
    end.add(annotations, format!("[{}]", listed(&shown)).as_bytes());

    let appearance = match mark.corner {
        Some(corner) => Some(show(&lines(mark), corner, size, &mut next)?),
        None => None,
    };
    let (area, look) = match &appearance {
        Some(own) => (own.area, format!("/AP<</N {} 0 R>>", number(own.form))),
        None => ([0.0; 4], String::new()),
    };
    let area = area.map(|edge| format!("{edge:.2}")).join(" ");
    let (field_id, signature_id) = (number(field), number(signature));
    // Printed, and not to be moved.
    let widget = format!(
        "<</Type/Annot/Subtype/Widget/FT/Sig/T({name})/V {signature_id} 0 R/P {page_id} 0 R\
         /Rect[{area}]/F 132{look}>>"
    );
    end.add(field_id, widget.as_bytes());
    for (id, object) in appearance.into_iter().flat_map(|own| own.objects) {
        end.add_whole(number(id), &object);
    }

    let head = format!(
        "<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M({})/Name{}/Reason{}",
        moment(mark.at),
        text(mark.name),
        text(mark.role),
    );
    let blank = [" "; 3].map(|_| " ".repeat(PLACE)).join(" ");
    let dictionary =
        format!("{head}/ByteRange[0 {blank}]/Contents<{}>>>", "0".repeat(2 * mark.room));
    let at = end.add(signature_id, dictionary.as_bytes());
    let places = at + head.len() + "/ByteRange[0 ".len();
    let from = places + blank.len() + "]/Contents".len();
    let hole = from..from + 2 * mark.room + 2;
    let mut bytes = end.finish(&plain, number(next))?;

    let said = [hole.start, hole.end, pdf.len() + bytes.len() - hole.end];
    let said = said.map(|place| format!("{place:<PLACE$}")).join(" ");
    let places = places - pdf.len();
    bytes.get_mut(places..places + blank.len())?.copy_from_slice(said.as_bytes());
    Some((bytes, hole))
}

/// Objects that are added to a file's end. Places are counted from the file's beginning.
struct Update {
    /// How long the file is without them.
    behind: usize,
    bytes: Vec<u8>,
    places: Vec<(u32, usize)>,
}

impl Update {
    /// Where what is added next will stand.
    fn end(&self) -> usize {
        self.behind + self.bytes.len()
    }

    /// Adds an object; answers with where it stands, without what is around it.
    fn add(&mut self, id: u32, object: &[u8]) -> usize {
        self.places.push((id, self.end()));
        self.bytes.extend(format!("{id} 0 obj\n").bytes());
        let at = self.end();
        self.bytes.extend(object);
        self.bytes.extend(b"\nendobj\n");
        at
    }

    /// Adds an object that brings what is around it.
    fn add_whole(&mut self, id: u32, object: &[u8]) {
        self.places.push((id, self.end()));
        self.bytes.extend(object);
    }

    fn finish(mut self, plain: &Plain<'_>, size: u32) -> Option<Vec<u8>> {
        let at = self.end();
        let mut table = "xref\n".to_owned();
        self.places.sort_unstable();
        for run in self.places.chunk_by(|one, next| one.0 + 1 == next.0) {
            table.push_str(&format!("{} {}\n", run.first()?.0, run.len()));
            for (_, place) in run {
                table.push_str(&format!("{place:010} 00000 n\r\n"));
            }
        }
        self.bytes.extend(table.bytes());
        let (root, start) = (plain.root()?, plain.start);
        self.bytes.extend(format!("trailer\n<</Size {size}/Root {root} 0 R/Prev {start}").bytes());
        for key in [&b"Info"[..], b"ID"] {
            if let Some(value) = plain.trailer().get(key) {
                self.bytes.extend([b"/", key, b" ", value].concat());
            }
        }
        self.bytes.extend(format!(">>\nstartxref\n{at}\n%%EOF\n").bytes());
        Some(self.bytes)
    }
}

fn lines(mark: &Mark) -> Vec<String> {
    let at = hanoi(mark.at).strftime("%d/%m/%Y %H:%M:%S %:z").to_string();
    vec![format!("{}: {}", mark.role, mark.name), format!("Thời gian ký: {at}")]
}

fn hanoi(at: Timestamp) -> jiff::Zoned {
    at.to_zoned(TimeZone::fixed(Offset::constant(HANOI)))
}

fn moment(at: Timestamp) -> String {
    hanoi(at).strftime("D:%Y%m%d%H%M%S+07'00'").to_string()
}

fn number(id: Ref) -> u32 {
    id.get().unsigned_abs()
}

fn listed(ids: &[u32]) -> String {
    ids.iter().map(|id| format!("{id} 0 R")).collect::<Vec<_>>().join(" ")
}

/// A text string: UTF-16 with its mark in front, as digits.
fn text(text: &str) -> String {
    let bytes: Vec<u8> =
        schemas::text::tidy(text).encode_utf16().flat_map(u16::to_be_bytes).collect();
    format!("<FEFF{}>", hex(&bytes))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}
