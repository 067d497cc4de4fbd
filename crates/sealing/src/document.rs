//! The file as a whole: checks every page, then writes objects in the order of the pages.

use std::collections::BTreeSet;

use pdf_writer::types::OutputIntentSubtype;
use pdf_writer::writers::OutputIntent;
use pdf_writer::{Content, Filter, Finish, Name, Pdf, Rect, Ref, Settings, TextStr};

use crate::flate::deflate;
use crate::font::{self, FontIds};
use crate::layer;
use crate::metadata::{self, About, LANGUAGE};
use crate::picture::Picture;
use crate::sheet::{Sheet, coordinate};
use crate::{ReadingFault, SealError, SealPage, Title};

/// Most words on a page; a crowded newspaper page has a tenth of it.
const MAX_WORDS: usize = 100_000;

const FONT: Name = Name(b"F");
const IMAGE: Name = Name(b"I");

/// A page that was checked.
struct Checked<'a> {
    page: &'a SealPage<'a>,
    picture: Picture<'a>,
    sheet: Sheet,
}

/// Ids of the objects that the whole document shares.
struct Ids {
    catalog: Ref,
    pages: Ref,
    info: Ref,
    xmp: Ref,
    profile: Ref,
    font: FontIds,
}

/// See [`crate::seal`].
pub(crate) fn write(pages: &[SealPage], title: &Title) -> Result<Vec<u8>, SealError> {
    if pages.is_empty() {
        return Err(SealError::NoPages);
    }
    let checked =
        pages.iter().enumerate().map(|(n, page)| check(n, page)).collect::<Result<Vec<_>, _>>()?;
    let profile = metadata::srgb()?;
    let about = About::of(title);

    let images = pages.iter().map(|page| page.bytes.len()).sum::<usize>();
    let settings = Settings { pretty: false };
    let mut pdf = Pdf::with_settings_and_capacity(settings, images + (16 << 10) * pages.len());
    let mut next = Ref::new(1);
    let ids = Ids::take(&mut next);

    let mut used = BTreeSet::new();
    let mut kids = Vec::with_capacity(checked.len());
    for page in &checked {
        kids.push(write_page(&mut pdf, &ids, &mut next, page, &mut used));
    }
    let count = i32::try_from(kids.len()).unwrap_or(i32::MAX);
    pdf.pages(ids.pages).kids(kids).count(count);
    if !used.is_empty() {
        font::write(&mut pdf, ids.font, &used);
    }
    write_head(&mut pdf, &ids, &about, &profile);
    Ok(pdf.finish())
}

fn check<'a>(n: usize, page: &'a SealPage) -> Result<Checked<'a>, SealError> {
    let picture =
        Picture::of(page.image, page.bytes).map_err(|fault| SealError::Image { page: n, fault })?;
    let reading = |fault| SealError::Reading { page: n, fault };
    let sheet = Sheet::of(page.reading, page.image.size()).map_err(reading)?;
    if MAX_WORDS < page.reading.words.len() {
        return Err(reading(ReadingFault::Words));
    }
    Ok(Checked { page, picture, sheet })
}

/// Writes a page with its image and content, and answers with its id.
fn write_page(
    pdf: &mut Pdf,
    ids: &Ids,
    next: &mut Ref,
    page: &Checked,
    used: &mut BTreeSet<u16>,
) -> Ref {
    let (id, image, content) = (next.bump(), next.bump(), next.bump());
    let mut drawing = Content::with_settings(Settings { pretty: false });
    let before = drawing.len();
    layer::set(&mut drawing, FONT, page.page.reading, &page.sheet, used);
    let has_text = before < drawing.len();
    drawing.save_state();
    drawing.transform(page.sheet.image_matrix().map(coordinate));
    drawing.x_object(IMAGE);
    drawing.restore_state();

    let mut object = pdf.page(id);
    object.parent(ids.pages).contents(content);
    let (width, height) = (coordinate(page.sheet.width), coordinate(page.sheet.height));
    object.media_box(Rect::new(0.0, 0.0, width, height));
    let mut resources = object.resources();
    resources.x_objects().pair(IMAGE, image);
    if has_text {
        resources.fonts().pair(FONT, ids.font.font);
    }
    resources.finish();
    object.finish();

    let drawing = deflate(&drawing.finish());
    pdf.stream(content, &drawing).filter(Filter::FlateDecode);
    page.picture.write(pdf, image);
    id
}

/// Writes catalogue, colours and metadata. Comes last, since the file's id is a hash of
/// everything else.
fn write_head(pdf: &mut Pdf, ids: &Ids, about: &About, profile: &[u8]) {
    let compressed = deflate(profile);
    pdf.icc_profile(ids.profile, &compressed).n(3).filter(Filter::FlateDecode);

    let mut catalog = pdf.catalog(ids.catalog);
    catalog.pages(ids.pages).metadata(ids.xmp).lang(TextStr(LANGUAGE));
    catalog.viewer_preferences().display_doc_title(true);
    let mut intents = catalog.output_intents();
    let mut intent: OutputIntent = intents.push();
    intent
        .subtype(OutputIntentSubtype::PDFA)
        .output_condition_identifier(TextStr("sRGB"))
        .info(TextStr("sRGB IEC61966-2.1"))
        .dest_output_profile(ids.profile);
    intent.finish();
    intents.finish();
    catalog.finish();

    about.write_info(pdf, ids.info);
    let hash = blake3::hash(pdf.as_bytes());
    let mut id = [0; 16];
    id.copy_from_slice(&hash.as_bytes()[..16]);
    pdf.metadata(ids.xmp, about.xmp(&id).as_bytes());
    pdf.set_file_id((id.to_vec(), id.to_vec()));
}

impl Ids {
    fn take(next: &mut Ref) -> Self {
        Self {
            catalog: next.bump(),
            pages: next.bump(),
            info: next.bump(),
            xmp: next.bump(),
            profile: next.bump(),
            font: FontIds {
                font: next.bump(),
                descendant: next.bump(),
                descriptor: next.bump(),
                file: next.bump(),
                glyphs: next.bump(),
                unicode: next.bump(),
            },
        }
    }
}
