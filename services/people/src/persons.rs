//! Who says what people may: for administrators, about people whose every office is within their
//! reach. Others they don't see.

use access::Asker;
use archive::{NewPerson, NewPrincipal, Person};
use axum::extract::State;
use axum::http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use problem::{Answer, Json, Path, Problem};
use schemas::access::{Grant, PrincipalKind, Reach};
use schemas::api::{GivenPassword, MakePerson, PersonView, SetGrants};
use schemas::code::Reason;
use schemas::ids::PrincipalId;

use crate::PeopleDesk;
use crate::login::{Login, login_digest, wait};
use crate::password::{GIVEN_DAYS, given_password};

/// Grants of one person at most.
pub const MOST_GRANTS: usize = 50;

/// Whether that is a login name: 2 to 64 small letters, digits, `.`, `-`, `_` or `@`.
#[must_use]
pub fn is_login_name(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b".-_@".contains(&b);
    (2..=64).contains(&name.len()) && name.bytes().all(fits)
}

/// List the people.
#[utoipa::path(
    get,
    path = "/v1/persons",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    responses((status = 200, description = "The people, by login name", body = [PersonView])),
)]
pub(crate) async fn list_persons(
    State(desk): State<PeopleDesk>,
    asker: Asker,
) -> Answer<Json<Vec<PersonView>>> {
    let mut views = Vec::new();
    for person in desk.archive.records.persons().await? {
        if reaches(&asker.reach, &person.principal.grants) {
            views.push(desk.seen(&person).await?);
        }
    }
    Ok(Json(views))
}

/// Make a person, with a password for the first time.
///
/// It is shown this once, is good for seven days and is changed when it is used.
#[utoipa::path(
    post,
    path = "/v1/persons",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    request_body(content = MakePerson, example = json!({
        "name": "can-bo-3",
        "full_name": "Nguyễn Văn Mẫu",
        "grants": [{ "role": "officer", "office": "H26.01.02" }],
    })),
    responses(
        (status = 201, description = "The person and the password", body = GivenPassword),
        (status = 400, description = "`request.invalid`"),
        (status = 409, description = "`person.name_taken`"),
        (status = 422, description = "`person.invalid`"),
    ),
)]
pub(crate) async fn make_person(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Json(make): Json<MakePerson>,
) -> Answer<(StatusCode, Json<GivenPassword>)> {
    let name = Login::typed(&make.name).0;
    if !is_login_name(&name) {
        return Err(Reason::PersonInvalid.into());
    }
    check_grants(&asker, &make.grants)?;
    let given = Given::new(&desk).await?;
    let id = PrincipalId::random();
    let new = NewPerson {
        principal: NewPrincipal {
            id,
            kind: PrincipalKind::Person,
            name,
            grants: make.grants,
            made_by: asker.actor(),
        },
        full_name: make.full_name,
        password: Some((given.hash.clone(), given.until)),
    };
    if !desk.archive.records.put_person(&new).await? {
        return Err(Reason::PersonNameTaken.into());
    }
    tracing::info!(principal.id = %asker.id, person.id = %id, "person made");
    Ok((StatusCode::CREATED, Json(given.shown(&desk, id).await?)))
}

/// Show a person.
#[utoipa::path(
    get,
    path = "/v1/persons/{id}",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 404, description = "`person.unknown`"),
    ),
)]
pub(crate) async fn show_person(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PersonView>> {
    let person = desk.person(&asker, &id).await?;
    Ok(Json(desk.seen(&person).await?))
}

/// Say what a person may, in place of what they might.
///
/// It holds from their next request on.
#[utoipa::path(
    put,
    path = "/v1/persons/{id}/grants",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    request_body(content = SetGrants, example = json!({ "grants": [{ "role": "back_office", "office": "H26.01" }] })),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 400, description = "`request.invalid`"),
        (status = 404, description = "`person.unknown`"),
        (status = 409, description = "`person.oneself`"),
        (status = 422, description = "`person.invalid`"),
    ),
)]
pub(crate) async fn set_grants(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
    Json(set): Json<SetGrants>,
) -> Answer<Json<PersonView>> {
    let id = desk.another(&asker, &id).await?.principal.id;
    check_grants(&asker, &set.grants)?;
    desk.archive.records.set_grants(id, &set.grants, &asker.actor()).await?;
    tracing::info!(principal.id = %asker.id, person.id = %id, "grants set");
    Ok(Json(desk.seen_now(id).await?))
}

/// Give a person another password for the first time, and end their sessions.
///
/// The office's directory vouches for them no longer.
#[utoipa::path(
    post,
    path = "/v1/persons/{id}/password",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person and the password", body = GivenPassword),
        (status = 404, description = "`person.unknown`"),
        (status = 409, description = "`person.oneself`"),
    ),
)]
pub(crate) async fn give_password(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<GivenPassword>> {
    let id = desk.another(&asker, &id).await?.principal.id;
    let given = Given::new(&desk).await?;
    let by = (given.until, &asker.actor());
    desk.archive.records.give_password(id, &given.hash, by).await?;
    tracing::info!(principal.id = %asker.id, person.id = %id, "password given");
    Ok(Json(given.shown(&desk, id).await?))
}

/// Have a person log in by the office's directory alone, and end their sessions.
///
/// Whoever logs in there next by their name is them from then on.
#[utoipa::path(
    post,
    path = "/v1/persons/{id}/directory",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 404, description = "`person.unknown`"),
        (status = 409, description = "`person.oneself`"),
    ),
)]
pub(crate) async fn leave_to_directory(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PersonView>> {
    let id = desk.another(&asker, &id).await?.principal.id;
    desk.archive.records.leave_to_directory(id, &asker.actor()).await?;
    tracing::info!(principal.id = %asker.id, person.id = %id, "left to the directory");
    Ok(Json(desk.seen_now(id).await?))
}

/// Let a person in no more, and end their sessions.
#[utoipa::path(
    post,
    path = "/v1/persons/{id}/disable",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 404, description = "`person.unknown`"),
        (status = 409, description = "`person.oneself`"),
    ),
)]
pub(crate) async fn disable_person(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PersonView>> {
    desk.lock(&asker, &id, true).await
}

/// Let a person in again.
#[utoipa::path(
    post,
    path = "/v1/persons/{id}/enable",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 404, description = "`person.unknown`"),
        (status = 409, description = "`person.oneself`"),
    ),
)]
pub(crate) async fn enable_person(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PersonView>> {
    desk.lock(&asker, &id, false).await
}

/// Take attempts to log in again, after too many that went wrong.
#[utoipa::path(
    post,
    path = "/v1/persons/{id}/unlock",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 404, description = "`person.unknown`"),
    ),
)]
pub(crate) async fn unlock_person(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PersonView>> {
    let person = desk.person(&asker, &id).await?;
    desk.archive.records.forget_attempts(login_digest(&person.principal.name)).await?;
    tracing::info!(principal.id = %asker.id, person.id = %person.principal.id, "unlocked");
    Ok(Json(desk.seen(&person).await?))
}

/// Take a person's second factor away, and end their sessions.
///
/// For when the authenticator is lost and the codes for recovery with it.
#[utoipa::path(
    delete,
    path = "/v1/persons/{id}/second-factor",
    tag = "people",
    extensions(("x-permission" = json!(["administer"]))),
    params(("id" = String, Path, format = Uuid, description = "The person")),
    responses(
        (status = 200, description = "The person", body = PersonView),
        (status = 404, description = "`person.unknown`"),
        (status = 409, description = "`person.oneself`"),
    ),
)]
pub(crate) async fn forget_factor(
    State(desk): State<PeopleDesk>,
    asker: Asker,
    Path(id): Path<String>,
) -> Answer<Json<PersonView>> {
    let id = desk.another(&asker, &id).await?.principal.id;
    desk.archive.records.forget_factor(id, &asker.actor()).await?;
    tracing::info!(principal.id = %asker.id, person.id = %id, "second factor taken away");
    Ok(Json(desk.seen_now(id).await?))
}

/// Whether everything that was granted to somebody is within reach.
fn reaches(reach: &Reach, grants: &[Grant]) -> bool {
    grants.iter().all(|grant| match &grant.office {
        None => *reach == Reach::Everywhere,
        Some(office) => reach.covers(office),
    })
}

/// Whether somebody may grant that.
fn check_grants(asker: &Asker, grants: &[Grant]) -> Answer<()> {
    if !(1..=MOST_GRANTS).contains(&grants.len()) {
        return Err(Reason::PersonInvalid.into());
    }
    match reaches(&asker.reach, grants) {
        true => Ok(()),
        false => Err(Problem::new(Reason::Forbidden).because("an office out of reach")),
    }
}

/// A password for the first time.
struct Given {
    password: schemas::access::Secret,
    hash: schemas::access::Secret,
    until: Timestamp,
}

impl Given {
    async fn new(desk: &PeopleDesk) -> Answer<Self> {
        let password = given_password()?;
        let hash = desk.passwords.hash(&password).await?;
        let until = Timestamp::now() + SignedDuration::from_hours(24 * GIVEN_DAYS);
        Ok(Self { password, hash, until })
    }

    async fn shown(self, desk: &PeopleDesk, id: PrincipalId) -> Answer<GivenPassword> {
        let (person, good_until) = (desk.seen_now(id).await?, self.until.to_string());
        Ok(GivenPassword { person, password: self.password, good_until })
    }
}

impl PeopleDesk {
    /// The person with that id, if they are within reach: to others they aren't there.
    async fn person(&self, asker: &Asker, id: &str) -> Answer<Person> {
        let id = id.parse().map_err(|_| Problem::new(Reason::PersonUnknown))?;
        let person = self.archive.records.person(id).await?;
        let person = person.filter(|person| reaches(&asker.reach, &person.principal.grants));
        person.ok_or(Reason::PersonUnknown.into())
    }

    /// The same, for what nobody does to themselves: a session left open would do it.
    async fn another(&self, asker: &Asker, id: &str) -> Answer<Person> {
        let person = self.person(asker, id).await?;
        match person.principal.id == asker.id {
            true => Err(Reason::PersonOneself.into()),
            false => Ok(person),
        }
    }

    async fn lock(&self, asker: &Asker, id: &str, locked: bool) -> Answer<Json<PersonView>> {
        let person = self.another(asker, id).await?.principal;
        let (now, by) = (Timestamp::now(), asker.actor());
        self.archive.records.lock_principal(&person.name, locked, now, &by).await?;
        tracing::info!(principal.id = %asker.id, person.id = %person.id, locked, "let in or not");
        Ok(Json(self.seen_now(person.id).await?))
    }

    async fn seen_now(&self, id: PrincipalId) -> Answer<PersonView> {
        let person = self.archive.records.person(id).await?.ok_or(Reason::PersonUnknown)?;
        self.seen(&person).await
    }

    /// A person as an administrator sees them.
    async fn seen(&self, person: &Person) -> Answer<PersonView> {
        let principal = person.principal.clone();
        let tried = self.archive.records.attempts(login_digest(&principal.name)).await?;
        let (attempts, until) = tried.unwrap_or_default();
        Ok(PersonView {
            id: principal.id,
            name: principal.name,
            full_name: person.full_name.clone(),
            grants: principal.grants,
            disabled: principal.locked,
            second_factor: person.factor.is_some(),
            password_given: person.given_until.is_some(),
            by_directory: person.password.is_none(),
            attempts,
            wait_until: (Timestamp::now() < until).then(|| until.to_string()),
            locked_out: wait(attempts).is_none(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_name_is_typed_alike_everywhere() {
        for good in ["a1", "can-bo-3", "nguyen.van_mau@mau.gov.vn"] {
            assert!(is_login_name(good), "{good}");
        }
        for bad in ["", "a", "Cán bộ", "can bo", "a:b", &"a".repeat(65)] {
            assert!(!is_login_name(bad), "{bad}");
        }
    }
}
