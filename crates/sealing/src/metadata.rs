//! What the file says about itself, twice, as PDF has it: the old information dictionary and
//! XMP, which agree; and the colours it was made for.

use std::ops::Range;

use jiff::civil::DateTime;
use jiff::tz::Offset;
use moxcms::ColorProfile;
use pdf_writer::{Date, Pdf, Ref, TextStr};
use xmp_writer::{LangId, Timezone, XmpWriter};

use crate::{SealError, Title};

/// Language of the papers, as viewers and screen readers know it.
pub(crate) const LANGUAGE: &str = "vi-VN";

/// A title with what neither PDF nor XML may carry taken out.
pub(crate) struct About {
    title: String,
    subject: Option<String>,
    tool: String,
    created: DateTime,
}

impl About {
    pub(crate) fn of(title: &Title) -> Self {
        Self {
            title: clean(title.title),
            subject: title.subject.map(clean).filter(|subject| !subject.is_empty()),
            tool: clean(title.creator_tool),
            created: Offset::UTC.to_datetime(title.created),
        }
    }

    /// Writes the information dictionary.
    pub(crate) fn write_info(&self, pdf: &mut Pdf, id: Ref) {
        let mut info = pdf.document_info(id);
        info.title(TextStr(&self.title));
        if let Some(subject) = &self.subject {
            info.subject(TextStr(subject));
        }
        info.creator(TextStr(&self.tool)).producer(TextStr(&self.tool));
        let [month, day, hour, minute, second] = self.fields();
        let date = Date::new(self.year())
            .month(month)
            .day(day)
            .hour(hour)
            .minute(minute)
            .second(second)
            .utc_offset_hour(0);
        info.creation_date(date).modified_date(date);
    }

    /// The XMP packet. `id` is the file's id.
    pub(crate) fn xmp(&self, id: &[u8; 16]) -> String {
        let [month, day, hour, minute, second] = self.fields();
        let date =
            xmp_writer::DateTime::new(self.year(), month, day, hour, minute, second, Timezone::Utc);
        let id = format!("uuid:{}", schemas::Uuid::from_bytes(*id));
        let mut xmp = XmpWriter::new();
        xmp.pdfa_part(2).pdfa_conformance("U");
        xmp.format("application/pdf").language([LangId(LANGUAGE)]);
        xmp.title([(None, self.title.as_str())]);
        if let Some(subject) = &self.subject {
            xmp.description([(None, subject.as_str())]);
        }
        xmp.creator_tool(&self.tool).producer(&self.tool);
        xmp.create_date(date).modify_date(date).metadata_date(date);
        xmp.document_id(&id).instance_id(&id);
        xmp.finish(None)
    }

    fn year(&self) -> u16 {
        u16::try_from(self.created.year()).unwrap_or(0)
    }

    /// Month, day, hour, minute, second.
    fn fields(&self) -> [u8; 5] {
        let at = &self.created;
        [at.month(), at.day(), at.hour(), at.minute(), at.second()]
            .map(|field| u8::try_from(field).unwrap_or(0))
    }
}

fn clean(text: &str) -> String {
    let text = schemas::text::tidy(text);
    text.chars()
        .map(|c| if matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c })
        .collect()
}

/// Where the head of a profile says when it was made: six numbers (ICC.1:2010, 7.2).
const CREATED: Range<usize> = 24..36;

/// The sRGB profile that grey and RGB in the file are meant in.
pub(crate) fn srgb() -> Result<Vec<u8>, SealError> {
    let mut profile = ColorProfile::new_srgb().encode().map_err(|_| SealError::Profile)?;
    // It says when it was made, and would be another one every second: the year of IEC 61966-2-1.
    let date = profile.get_mut(CREATED).ok_or(SealError::Profile)?;
    for (number, of_date) in date.chunks_exact_mut(2).zip([1999_u16, 1, 1, 0, 0, 0]) {
        number.copy_from_slice(&of_date.to_be_bytes());
    }
    Ok(profile)
}
