//! Who is nearly an owner of a record: stopped, compared by a person, and known from then on.

use access::Asker;
use archive::{Asked, Near};
use axum::extract::State;
use jiff::Timestamp;
use problem::{Answer, Json, Path, Problem};
use schemas::Uuid;
use schemas::api::{NearMatch, ResolveNear};
use schemas::code::Reason;
use schemas::record::Record;
use schemas::subject::{Likeness, Subject};

use crate::RecordsDesk;
use crate::lookups::check_length;

/// What somebody is to a record.
pub(crate) enum Match<'r> {
    /// One of its owners.
    Owner,
    /// Nearly this one.
    Near(&'r Subject),
    /// Nobody.
    Other,
}

/// What who is asked about is to a record, by number, name and birth date or by a person's word.
pub(crate) async fn owner_of<'r>(
    desk: &RecordsDesk,
    asked: &Asked,
    record: &'r Record,
) -> Answer<Match<'r>> {
    let mut near = Match::Other;
    for owner in &record.owners {
        match owner.subject.likeness(&asked.number, &asked.name, asked.born) {
            Likeness::Same => return Ok(Match::Owner),
            Likeness::Near => match desk.archive.records.found_same(asked, &owner.subject).await? {
                Some(true) => return Ok(Match::Owner),
                Some(false) => {}
                None => near = Match::Near(&owner.subject),
            },
            Likeness::Other => {}
        }
    }
    Ok(near)
}

/// Lookups that were stopped.
///
/// Their subject is nearly an owner of the record, and nobody has compared the papers yet. The
/// thousand oldest of records from offices within reach. Nothing is shown of the owner but in what
/// it differs.
#[utoipa::path(
    get,
    path = "/v1/lookups/near",
    tag = "records",
    extensions(("x-permission" = json!(["correct", "approve"]))),
    responses((status = 200, description = "The lookups, oldest first", body = [NearMatch])),
)]
pub(crate) async fn near_matches(
    State(desk): State<RecordsDesk>,
    asker: Asker,
) -> Answer<Json<Vec<NearMatch>>> {
    let near = desk.archive.records.near_matches(&asker.reach).await?;
    Ok(Json(near.into_iter().map(|near| near.near).collect()))
}

/// Say what was found when the papers of a near match were compared.
///
/// Whoever asks about the same subject again is given that owner's records, or told that there
/// are none, as it was found. Who asked can't say it. Said again, the later word counts; both
/// are kept.
#[utoipa::path(
    post,
    path = "/v1/lookups/near/{id}/resolve",
    tag = "records",
    extensions(("x-permission" = json!(["approve"]))),
    params(("id" = String, Path, format = Uuid, description = "Request id of the lookup that was stopped")),
    request_body(
        content = ResolveNear,
        example = json!({
            "same": true,
            "reason": "Đã đối chiếu chứng minh nhân dân cũ và thẻ căn cước",
            "by": "can-bo-quay-7",
        }),
    ),
    responses(
        (status = 200, description = "Kept", body = NearMatch),
        (status = 400, description = "`request.invalid`"),
        (status = 403, description = "`access.forbidden`: also to who asked"),
        (status = 404, description = "`lookup.near_unknown`"),
    ),
)]
pub(crate) async fn resolve_near(
    State(desk): State<RecordsDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(word): Json<ResolveNear>,
) -> Answer<Json<NearMatch>> {
    let request: Uuid = id.parse().map_err(|_| Reason::NearUnknown)?;
    check_length("reason", &word.reason, 5, 500)?;
    check_length("by", &word.by, 1, 200)?;
    let records = &desk.archive.records;
    let near = async || -> Answer<Near> {
        let near = records.near_match(request).await?;
        Ok(near.filter(|near| asker.reaches(&near.office)).ok_or(Reason::NearUnknown)?)
    };
    if near().await?.principal == Some(asker.id) {
        let detail = "whoever asked can't say what was found";
        return Err(Problem::new(Reason::Forbidden).because(detail));
    }
    let found = (word.same, word.reason.as_str(), word.by.as_str());
    let kept = records.resolve_near(asker.id, request, found, Timestamp::now()).await?;
    if !kept {
        // Kept before anybody knew whom it was about.
        return Err(Reason::NearUnknown.into());
    }
    tracing::info!(lookup.request = %request, principal.id = %asker.id, "near match resolved");
    Ok(Json(near().await?.near))
}
