//! What must leave: what waits, what hangs and why, and what a person decides about it.

use access::Asker;
use axum::extract::State;
use axum::http::StatusCode;
use problem::{Answer, Json, Path, Query, limit};
use schemas::api::{DeliveryFate, DeliveryView};
use schemas::code::Reason;
use schemas::ids::DeliveryId;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::ExchangeDesk;

/// Deliveries in one answer where nothing is said, and at most.
const USUAL: u32 = 100;
const MOST: u32 = 1000;

/// Which, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// What became of them; those that hang and then those that wait when left out.
    fate: Option<DeliveryFate>,
    /// How many at most, 1 to 1,000.
    #[param(default = 100)]
    limit: Option<u32>,
}

/// List what must leave, with what hangs and why.
///
/// Of the dossiers of offices within reach; of each fate the oldest first.
#[utoipa::path(
    get,
    path = "/v1/deliveries",
    tag = "exchange",
    extensions(("x-permission" = json!(["correct", "audit"]))),
    params(Asked),
    responses(
        (status = 200, description = "Deliveries", body = [DeliveryView]),
        (status = 400, description = "`request.invalid`"),
    ),
)]
pub(crate) async fn list_deliveries(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Query(asked): Query<Asked>,
) -> Answer<Json<Vec<DeliveryView>>> {
    let records = &desk.archive.records;
    let limit = limit(asked.limit, USUAL, MOST)?;
    let fates = match asked.fate {
        Some(fate) => vec![fate],
        None => vec![DeliveryFate::Hung, DeliveryFate::Waiting],
    };
    let mut found = Vec::new();
    for fate in fates {
        found.extend(records.deliveries(&asker.reach, fate, limit).await?);
    }
    found.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(Json(found))
}

/// Try a delivery at once, its age counted anew.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{id}/retry",
    tag = "exchange",
    extensions(("x-permission" = json!(["correct", "administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The delivery")),
    responses(
        (status = 202, description = "It is tried as soon as may be"),
        (status = 404, description = "`delivery.unknown`: there is none, or it has been delivered"),
    ),
)]
pub(crate) async fn retry_delivery(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = within(&desk, &asker, &id).await?;
    if !desk.archive.records.retry_delivery(id).await? {
        return Err(Reason::DeliveryUnknown.into());
    }
    tracing::info!(delivery.id = %id, principal.id = %asker.id, "delivery is to be tried again");
    Ok(StatusCode::ACCEPTED)
}

/// Give a delivery up for good: the subscriber never hears of it.
#[utoipa::path(
    post,
    path = "/v1/deliveries/{id}/drop",
    tag = "exchange",
    extensions(("x-permission" = json!(["correct", "administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The delivery")),
    responses(
        (status = 204, description = "It isn't sent"),
        (status = 404, description = "`delivery.unknown`: there is none, or it has been delivered"),
    ),
)]
pub(crate) async fn drop_delivery(
    State(desk): State<ExchangeDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<StatusCode> {
    let id = within(&desk, &asker, &id).await?;
    if !desk.archive.records.drop_delivery(id).await? {
        return Err(Reason::DeliveryUnknown.into());
    }
    tracing::info!(delivery.id = %id, principal.id = %asker.id, "delivery was dropped");
    Ok(StatusCode::NO_CONTENT)
}

/// The delivery of that id, if its office is within reach: to others it isn't there.
async fn within(desk: &ExchangeDesk, asker: &Asker, id: &str) -> Answer<DeliveryId> {
    let id: DeliveryId = id.parse().map_err(|_| Reason::DeliveryUnknown)?;
    let office = desk.archive.records.delivery_office(id).await?;
    let within = office.is_some_and(|office| asker.reaches(&office));
    if within { Ok(id) } else { Err(Reason::DeliveryUnknown.into()) }
}
