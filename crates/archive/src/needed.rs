//! What needs a blob. Whatever no row needs is removed by who mends or erases, so every use stands
//! in both lists here and nowhere else: in `each_use!`, of which the statements are made that ask
//! of all uses at once, and in [`USES`], by which a check names the row that needs a blob.

/// The tables whose rows need a blob, each with its column that names the blob, and with what has
/// to be joined for the dossier.
macro_rules! each_use {
    ($sql:ident, $between:literal) => {
        concat!(
            $sql!("scan", "blake3", ""),
            $between,
            $sql!("page", "image_blake3", ""),
            $between,
            $sql!("record", "pdf", ""),
            $between,
            $sql!("inquiry_file", "blake3", " join inquiry using (inquiry_id)")
        )
    };
}

macro_rules! names {
    ($table:literal, $blob:literal, $join:literal) => {
        concat!("select ", $blob, " as blob from ", $table, " where ", $blob, " is not null")
    };
}

/// Every blob that a row needs, each once.
pub(crate) const EVERY: &str = each_use!(names, " union ");

// Each once: of many alike, a batch of one table would else end before those of the others.
macro_rules! names_after {
    ($table:literal, $blob:literal, $join:literal) => {
        concat!(
            "select blob from (select distinct ",
            $blob,
            " as blob from ",
            $table,
            " where ",
            $blob,
            " > $1 order by blob limit $2) as batch"
        )
    };
}

/// The same, those after `$1`, at most `$2`, in order.
pub(crate) const EVERY_AFTER: &str =
    concat!(each_use!(names_after, " union "), " order by blob limit $2");

macro_rules! names_of_dossier {
    ($table:literal, $blob:literal, $join:literal) => {
        concat!(
            "select ",
            $blob,
            " as blob from ",
            $table,
            $join,
            " where dossier_id = $1 and ",
            $blob,
            " is not null"
        )
    };
}

/// Blobs that rows of dossier `$1` need, each once.
pub(crate) const OF_DOSSIER: &str = each_use!(names_of_dossier, " union ");

macro_rules! is_needed {
    ($table:literal, $blob:literal, $join:literal) => {
        concat!("exists (select 1 from ", $table, " where ", $blob, " = $1)")
    };
}

/// Whether any row needs blob `$1`.
pub(crate) const IN_USE: &str = concat!("select ", each_use!(is_needed, " or "), " as used");

macro_rules! dossiers {
    ($table:literal, $blob:literal, $join:literal) => {
        concat!("select dossier_id from ", $table, $join, " where ", $blob, " = $1")
    };
}

/// Dossiers of which a row needs blob `$1`, each once, in order.
pub(crate) const DOSSIERS: &str = concat!(each_use!(dossiers, " union "), " order by dossier_id");

macro_rules! is_needed_by {
    ($table:literal, $blob:literal, $join:literal) => {
        concat!(
            "exists (select 1 from ",
            $table,
            $join,
            " where ",
            $blob,
            " = $1 and dossier_id = $2)"
        )
    };
}

/// Whether a row of dossier `$2` needs blob `$1`.
pub(crate) const NEEDS: &str = concat!("select ", each_use!(is_needed_by, " or "), " as needs");

/// What a blob is to a row, the weightiest first: a scan's own bytes often are its page image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Use {
    Scan,
    Image,
    Pdf,
    Answer,
}

const SCANS: &str = "
    select blake3 as blob, scan_id as what, true as mendable from scan order by scan_id";

const IMAGES: &str = "
    select image_blake3 as blob, page_id as what, true as mendable from page
    where image_blake3 is not null order by page_id";

// Only the PDF of a document's present revision can be made again, and what was withdrawn is not
// published by that.
const PDFS: &str = "
    select pdf as blob, record_id || '/' || version as what,
        exists (select 1 from document
            where document.document_id = record.document_id
              and document.record_version = record.version
              and record.state = 'published') as mendable
    from record order by record_id, version";

// What another Kho has sent is to be asked for again.
const ANSWERS: &str = "
    select blake3 as blob, inquiry_id || '/' || place as what, false as mendable
    from inquiry_file order by inquiry_id, place";

/// The rows of each use, with the blob that each needs, what it is called, and whether the blob can
/// be made again.
pub(crate) const USES: [(Use, &str); 4] =
    [(Use::Scan, SCANS), (Use::Image, IMAGES), (Use::Pdf, PDFS), (Use::Answer, ANSWERS)];
