//! What the `OpenAPI` document says of access, and what the guard reads from it.

use std::collections::HashMap;

use axum::http::Method;
use problem::MEDIA_TYPE;
use schemas::access::Permission;
use schemas::code::Reason;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, ResponseBuilder};

/// Where an operation names the permissions of which one is needed.
const EXTENSION: &str = "x-permission";

/// The name of the scheme of keys.
const SCHEME: &str = "key";

/// Says in the document how one shows who one is, and that every operation may refuse.
pub fn describe(face: &mut OpenApi) {
    let mut scheme = Http::new(HttpAuthScheme::Bearer);
    scheme.description = Some(
        "A key (`sohoa access key new`). `x-permission` of an operation \
         names the permissions of which one is needed; it is granted for an office and those \
         below it, and what belongs to others is answered as unknown."
            .to_owned(),
    );
    let components = face.components.get_or_insert_with(Default::default);
    components.add_security_scheme(SCHEME, SecurityScheme::Http(scheme));
    for (_, operation) in face.paths.paths.values_mut().flat_map(operations_mut) {
        if needed(operation).is_none() {
            continue;
        }
        operation.security = Some(vec![SecurityRequirement::new(SCHEME, [""; 0])]);
        for reasons in [&[Reason::Unauthenticated][..], &[Reason::Forbidden], &[Reason::Busy]] {
            add_refusals(operation, reasons);
        }
    }
}

/// Which permissions open which operation, by method and template of the path.
pub(crate) fn opened_by(face: &OpenApi) -> HashMap<(Method, String), Vec<Permission>> {
    let mut opened = HashMap::new();
    for (path, item) in &face.paths.paths {
        for (method, operation) in operations(item) {
            if let Some(needed) = needed(operation) {
                opened.insert((method, path.clone()), needed);
            }
        }
    }
    opened
}

/// What an operation's description says is needed; none where it says nothing, or nothing that
/// is known.
fn needed(operation: &Operation) -> Option<Vec<Permission>> {
    let said = operation.extensions.as_ref()?.get(EXTENSION)?.clone();
    serde_json::from_value::<Vec<Permission>>(said).ok().filter(|needed| !needed.is_empty())
}

/// Adds a refusal to an operation, unless it speaks of it by itself.
fn add_refusals(operation: &mut Operation, reasons: &[Reason]) {
    let Some(status) = reasons.first().map(|reason| reason.status().to_string()) else { return };
    if operation.responses.responses.contains_key(&status) {
        return;
    }
    let codes: Vec<String> = reasons.iter().map(|reason| format!("`{}`", reason.code())).collect();
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    let response =
        ResponseBuilder::new().description(codes.join(", ")).content(MEDIA_TYPE, content).build();
    operation.responses.responses.insert(status, response.into());
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
