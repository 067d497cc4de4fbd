//! What the `OpenAPI` document says of access, and what the guard reads from it.

use std::collections::HashMap;

use axum::http::Method;
use problem::MEDIA_TYPE;
use schemas::access::Permission;
use schemas::api::Problem;
use schemas::code::Reason;
use serde::Deserialize;
use utoipa::PartialSchema;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, ResponseBuilder};

/// Where an operation says what opens it.
const EXTENSION: &str = "x-permission";

/// The name of the scheme of keys.
const KEY: &str = "key";

/// The name of the scheme of sessions.
const SESSION: &str = "session";

/// The name of the schema of refusals.
const PROBLEM: &str = "Problem";

/// What opens an operation.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Opening {
    /// One of these permissions; at least one is named.
    Holders(Vec<Permission>),
    /// Something else.
    Word(Word),
}

/// What opens an operation that no permission is needed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Word {
    /// Nothing: whoever asks.
    Anyone,
    /// A session: it is about whoever is logged in.
    Person,
}

/// Says in the document how one shows who one is, that every operation may refuse, and that every
/// refusal is a problem document.
pub fn describe(face: &mut OpenApi) {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some(
        "A key (`sohoa access key new`). `x-permission` of an operation \
         names the permissions of which one is needed; it is granted for an office and those \
         below it, and what belongs to others is answered as unknown."
            .to_owned(),
    );
    let components = face.components.get_or_insert_with(Default::default);
    components.schemas.insert(PROBLEM.to_owned(), Problem::schema());
    components.add_security_scheme(KEY, SecurityScheme::Http(scheme));
    let cookie = ApiKeyValue::with_description(
        "__Host-sohoa",
        "The session of a person (`POST /v1/session`, or by way of a directory: \
         `GET /v1/session/openid`). The cookie's name is `sohoa` on the machine \
         itself, without TLS.",
    );
    components.add_security_scheme(SESSION, SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    for (_, operation) in face.paths.paths.values_mut().flat_map(operations_mut) {
        let Some(opening) = opening(operation) else { continue };
        let by = |scheme| SecurityRequirement::new(scheme, [""; 0]);
        operation.security = match opening {
            Opening::Holders(_) => Some(vec![by(KEY), by(SESSION)]),
            Opening::Word(Word::Person) => Some(vec![by(SESSION)]),
            Opening::Word(Word::Anyone) => Some(Vec::new()),
        };
        add_refusals(operation, &[Reason::Busy]);
        let refused = [Reason::Forbidden, Reason::CrossOrigin];
        let undone = [Reason::PasswordMustChange, Reason::SecondFactorMustBeSetUp];
        match opening {
            Opening::Holders(_) => {
                add_refusals(operation, &[Reason::Unauthenticated]);
                add_refusals(operation, &[refused, undone].concat());
            }
            Opening::Word(Word::Person) => {
                add_refusals(operation, &[Reason::Unauthenticated]);
                add_refusals(operation, &refused);
            }
            Opening::Word(Word::Anyone) => {}
        }
        show_refusals(operation);
    }
}

/// What opens which operation, by method and template of the path.
pub(crate) fn opened_by(face: &OpenApi) -> HashMap<(Method, String), Opening> {
    let mut opened = HashMap::new();
    for (path, item) in &face.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(opening) = opening(operation) {
                opened.insert((method, path.clone()), opening);
            }
        }
    }
    opened
}

/// What an operation's description says opens it; none where it says nothing, or nothing that
/// is known.
fn opening(operation: &Operation) -> Option<Opening> {
    let said = operation.extensions.as_ref()?.get(EXTENSION)?.clone();
    let opening = serde_json::from_value::<Opening>(said).ok();
    opening.filter(|opening| !matches!(opening, Opening::Holders(needed) if needed.is_empty()))
}

/// Adds a refusal to an operation, unless it speaks of it by itself.
fn add_refusals(operation: &mut Operation, reasons: &[Reason]) {
    let Some(status) = reasons.first().map(|reason| reason.status().to_string()) else { return };
    if operation.responses.responses.contains_key(&status) {
        return;
    }
    let codes: Vec<String> = reasons.iter().map(|reason| format!("`{}`", reason.code())).collect();
    let response = ResponseBuilder::new().description(codes.join(", ")).build();
    operation.responses.responses.insert(status, response.into());
}

/// Has every refusal of an operation show a problem document.
fn show_refusals(operation: &mut Operation) {
    for (status, response) in &mut operation.responses.responses {
        if let (true, RefOr::T(response)) = (status.starts_with(['4', '5']), response) {
            let shown = ContentBuilder::new().schema(Some(Ref::from_schema_name(PROBLEM))).build();
            response.content.insert(MEDIA_TYPE.to_owned(), shown.into());
        }
    }
}

fn operations(item: &PathItem) -> impl Iterator<Item = (Method, &Operation)> {
    let each = [
        (Method::GET, &item.get),
        (Method::PUT, &item.put),
        (Method::POST, &item.post),
        (Method::DELETE, &item.delete),
        (Method::PATCH, &item.patch),
    ];
    each.into_iter().filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let each = [
        (Method::GET, &mut item.get),
        (Method::PUT, &mut item.put),
        (Method::POST, &mut item.post),
        (Method::DELETE, &mut item.delete),
        (Method::PATCH, &mut item.patch),
    ];
    each.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}
