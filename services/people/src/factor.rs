//! The second factor: codes of an authenticator (TOTP, RFC 6238), and codes for when it is lost.

use access::LoggedIn;
use archive::{ArchiveError, Person, Records};
use axum::extract::State;
use jiff::Timestamp;
use problem::{Answer, Json, Problem};
use schemas::access::Secret;
use schemas::api::{ConfirmFactor, FactorOffer, OfferFactor, RecoveryCodes};
use schemas::code::Reason;
use schemas::ids::Blake3;
use totp_rs::{Builder, Totp};

use crate::PeopleDesk;
use crate::password::random_letters;

/// Bytes of a secret: as many as the hash has (RFC 4226, section 4, R6).
const SECRET_BYTES: usize = 20;

/// Codes for when the authenticator is lost.
const RECOVERY_CODES: usize = 10;

/// Who offers the secret, as the authenticator shows it.
const ISSUER: &str = "Sohoa";

/// Ask for a second factor's secret.
///
/// It is no factor yet: the authenticator's code is to confirm it within ten minutes (`PUT`). Where
/// there is one already, its code is needed, too.
#[utoipa::path(
    post,
    path = "/v1/session/second-factor",
    tag = "people",
    extensions(("x-permission" = json!("person"))),
    request_body(content = OfferFactor, example = json!({ "password": "bốn con trâu trắng" })),
    responses(
        (status = 200, description = "The secret", body = FactorOffer),
        (status = 400, description = "`request.invalid`"),
        (status = 401, description = "`access.unauthenticated`; `access.login`: it is another password; `access.second_factor`"),
        (status = 403, description = "`access.forbidden`, `access.cross_origin`, `access.locked_out`"),
        (status = 429, description = "`server.busy`, `access.paused`"),
    ),
)]
pub(crate) async fn offer_factor(
    State(desk): State<PeopleDesk>,
    LoggedIn(session): LoggedIn,
    Json(asked): Json<OfferFactor>,
) -> Answer<Json<FactorOffer>> {
    let person = &session.person;
    desk.confirm(person, &asked.password, Some(asked.code.as_ref())).await?;
    let mut secret = vec![0; SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|_| Problem::new(Reason::Internal))?;
    let name = person.principal.name.as_str();
    let totp = Builder::new().with_secret(secret).with_account_name(name);
    let totp = totp.with_issuer(Some(ISSUER)).build().map_err(|_| broken())?;
    let secret = Secret::new(totp.secret().to_base32());
    let uri = Secret::new(totp.to_url().map_err(|_| broken())?);
    desk.archive.records.offer_factor(person.principal.id, &secret).await?;
    Ok(Json(FactorOffer { secret, uri }))
}

/// Confirm a second factor with a code of the authenticator.
///
/// From then on a code is needed to log in. Every other session of the person ends. A wrong code
/// counts as an attempt to log in.
#[utoipa::path(
    put,
    path = "/v1/session/second-factor",
    tag = "people",
    extensions(("x-permission" = json!("person"))),
    request_body(content = ConfirmFactor, example = json!({ "code": "123456" })),
    responses(
        (status = 200, description = "Codes for when the authenticator is lost, shown this once", body = RecoveryCodes),
        (status = 400, description = "`request.invalid`"),
        (status = 403, description = "`access.forbidden`, `access.cross_origin`, `access.locked_out`"),
        (status = 409, description = "`second_factor.not_offered`: also where it was too long ago"),
        (status = 422, description = "`second_factor.wrong`"),
        (status = 429, description = "`server.busy`, `access.paused`"),
    ),
)]
pub(crate) async fn confirm_factor(
    State(desk): State<PeopleDesk>,
    LoggedIn(session): LoggedIn,
    Json(confirm): Json<ConfirmFactor>,
) -> Answer<Json<RecoveryCodes>> {
    let (person, now) = (&session.person, Timestamp::now());
    let who = person.principal.id;
    let records = &desk.archive.records;
    let offered = person.factor_next.as_ref().ok_or(Reason::FactorNotOffered)?;
    // As at the door: whoever finds a browser left open doesn't guess further than there.
    let counted = desk.attempt(&person.principal.name, now).await?;
    let secret = records.factor_secret(who, offered).await?;
    let step = step(&secret, &confirm.code, now).ok_or(Reason::FactorWrong)?;
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        codes.push(Secret::new(random_letters(4)?));
    }
    let digests: Vec<Blake3> = codes.iter().map(digest).collect();
    let confirmed = records.confirm_factor(who, (offered, step), &digests, session.digest).await?;
    records.forget_attempts(counted).await?;
    if !confirmed {
        return Err(Reason::FactorNotOffered.into());
    }
    tracing::info!(principal.id = %who, "second factor set up");
    Ok(Json(RecoveryCodes { codes }))
}

/// Whether a code opens the door to a person, which uses it up; any does where no second factor
/// is set up.
pub(crate) async fn opens(
    records: &Records,
    person: &Person,
    code: Option<&Secret>,
    now: Timestamp,
) -> Answer<bool> {
    let Some(factor) = &person.factor else { return Ok(true) };
    let Some(code) = code else { return Ok(false) };
    let who = person.principal.id;
    let secret = records.factor_secret(who, factor).await;
    // Without its key, as after restoring a backup from before it was set up anew, a code for
    // recovery still opens.
    let secret = match secret {
        Err(ArchiveError::Erased(_) | ArchiveError::NoKey(_)) => None,
        secret => Some(secret?),
    };
    if let Some(step) = secret.and_then(|secret| step(&secret, code, now)) {
        return Ok(records.take_step(who, step).await?);
    }
    let used = records.take_recovery_code(who, digest(code)).await?;
    if used {
        tracing::info!(principal.id = %who, "a code for recovery was used");
    }
    Ok(used)
}

/// The step of time that a code is of: this one, the one before or the one after.
fn step(secret: &Secret, code: &Secret, now: Timestamp) -> Option<i64> {
    let secret = totp_rs::Secret::try_from_base32(secret.reveal()).ok()?;
    let totp: Totp = Builder::new().with_secret(secret).build().ok()?;
    let code: String = code.reveal().chars().filter(|c| !c.is_whitespace()).collect();
    let step = totp.check(&code, u64::try_from(now.as_second()).ok()?)?;
    i64::try_from(step).ok()
}

/// What is kept of a code for recovery, however it was typed.
fn digest(code: &Secret) -> Blake3 {
    let typed = code.reveal().chars().filter(char::is_ascii_alphanumeric);
    let typed: String = typed.take(64).map(|c| c.to_ascii_lowercase()).collect();
    Blake3::of(typed.as_bytes())
}

fn broken() -> Problem {
    Problem::new(Reason::Internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 6238, appendix B, with the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_standard_and_of_half_a_minute_around() {
        let bytes: &[u8] = b"12345678901234567890";
        let totp = Builder::new().with_secret(bytes.to_vec()).build().unwrap();
        let secret = Secret::new(totp.secret().to_base32());
        let step_of = |code: &str, second: i64| {
            let now = Timestamp::from_second(second).unwrap();
            step(&secret, &Secret::new(code.to_owned()), now)
        };
        assert_eq!(step_of("287082", 59), Some(1));
        assert_eq!(step_of("287 082", 59), Some(1));
        assert_eq!(step_of("081804", 1_111_111_109), Some(37_037_036));
        assert_eq!(step_of("287082", 89), Some(1));
        assert_eq!(step_of("287082", 120), None);
        assert_eq!(
            (step_of("", 59), step_of("28708", 59), step_of("abcdef", 59)),
            (None, None, None)
        );
    }

    #[test]
    fn a_code_for_recovery_is_the_same_however_it_is_typed() {
        let of = |text: &str| digest(&Secret::new(text.to_owned()));
        assert_eq!(of("abcde-fghij-kmnpq-rstuv"), of("ABCDE FGHIJ kmnpqrstuv"));
        assert_ne!(of("abcde-fghij-kmnpq-rstuv"), of("abcde-fghij-kmnpq-rstuw"));
    }
}
