//! Pages to look at: the image as it is kept, and what was read off it.

use access::Asker;
use archive::Page;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use problem::{Answer, Json, Path};
use schemas::code::Reason;
use schemas::ids::PageId;
use schemas::reading::{PageImage, PageReading};

use crate::{ReviewDesk, tiff};

/// Show a page's image as it is kept.
///
/// It isn't turned upright yet: its reading tells the quarter turns and the skew to turn it by.
#[utoipa::path(
    get,
    path = "/v1/pages/{id}/image",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The page")),
    responses(
        (status = 200, description = "The image", content(
            (schemas::api::Binary = "image/jpeg"),
            (schemas::api::Binary = "image/png"),
            (schemas::api::Binary = "image/tiff"),
        )),
        (status = 404, description = "`page.unknown`: there is none, or it is not read yet"),
    ),
)]
pub(crate) async fn page_image(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Response> {
    let page = shown(&desk, &asker, &id).await?;
    let (image, blob) = page.image.ok_or(Reason::PageUnknown)?;
    let bytes = desk.archive.blobs.get(blob).await?;
    let (media_type, bytes) = match image {
        PageImage::Jpeg { .. } => ("image/jpeg", bytes),
        PageImage::Png { .. } => ("image/png", bytes),
        PageImage::Ccitt { width, height } => {
            let dpi = page.reading.map_or(0, |reading| reading.dpi);
            ("image/tiff", tiff::of_group4(width, height, dpi, &bytes))
        }
    };
    let headers = [(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, "no-store")];
    Ok((headers, bytes).into_response())
}

/// Show what was read off a page: words with boxes and confidences, codes, angles.
#[utoipa::path(
    get,
    path = "/v1/pages/{id}/reading",
    tag = "review",
    extensions(("x-permission" = json!(["correct"]))),
    params(("id" = String, Path, format = Uuid, description = "The page")),
    responses(
        (status = 200, description = "The reading", body = PageReading),
        (status = 404, description = "`page.unknown`: there is none, or it is not read yet"),
    ),
)]
pub(crate) async fn page_reading(
    State(desk): State<ReviewDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PageReading>> {
    Ok(Json(shown(&desk, &asker, &id).await?.reading.ok_or(Reason::PageUnknown)?))
}

/// A page within reach of whoever asks; that they were shown it is left in the audit.
async fn shown(desk: &ReviewDesk, asker: &Asker, id: &str) -> Answer<Page> {
    let id: PageId = id.parse().map_err(|_| Reason::PageUnknown)?;
    let records = &desk.archive.records;
    let page = records.page(id).await?.ok_or(Reason::PageUnknown)?;
    let dossier = asker.reached(records.dossier_by_id(page.dossier).await?);
    let dossier = dossier.ok_or(Reason::PageUnknown)?;
    records.page_shown(&page, &dossier.code, (asker.id, Timestamp::now())).await?;
    Ok(page)
}
