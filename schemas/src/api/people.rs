//! Bodies of logging in, and of saying who may do what.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::{Grant, Permission, Secret};
use crate::ids::PrincipalId;
use crate::subject::Name;

/// Begins a session.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogIn {
    /// Login name.
    #[schema(max_length = 64, example = "can-bo-3")]
    pub name: String,
    /// Password.
    pub password: Secret,
    /// Six digits of the second factor, or a code for recovery; where the person has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// What must be done before anything else is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Duty {
    /// Choose a password: the present one was given by another.
    ChangePassword,
    /// Set up a second factor: one of the person's roles needs it.
    SetUpSecondFactor,
}

/// A session, as its person sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SessionView {
    /// Who.
    pub id: PrincipalId,
    /// Login name.
    pub name: String,
    /// Name as a person has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Name>,
    /// What is granted, and where.
    pub grants: Vec<Grant>,
    /// What may be done in one office at least.
    pub permissions: Vec<Permission>,
    /// What must be done before anything else is let through.
    pub duties: Vec<Duty>,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// When it began; RFC 3339, UTC.
    pub since: String,
    /// When it ends however much it is used; RFC 3339, UTC.
    pub ends_at: String,
    /// Seconds without a request after which it ends.
    pub idle_seconds: u32,
}

/// Changes one's own password. Every session ends, and this one goes on with another token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePassword {
    /// The present one.
    pub current: Secret,
    /// The one to come: 12 to 128 characters.
    pub new: Secret,
}

/// Asks for a second factor's secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfferFactor {
    /// The person's password.
    pub password: Secret,
    /// A code of the second factor that this one is to replace, or one for recovery.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Secret>,
}

/// A second factor's secret, for an authenticator (RFC 6238: SHA-1, six digits, thirty seconds).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct FactorOffer {
    /// The secret, base32.
    pub secret: Secret,
    /// The same as an address, to be shown as a QR code.
    pub uri: Secret,
}

/// Shows that the authenticator has the secret.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmFactor {
    /// Its six digits.
    pub code: Secret,
}

/// Codes for when the authenticator is lost, shown once. Each opens the door once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RecoveryCodes {
    /// The codes.
    pub codes: Vec<Secret>,
}

/// Makes a person.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakePerson {
    /// Login name: 2 to 64 small letters, digits, `.`, `-`, `_` or `@`.
    #[schema(max_length = 64, example = "can-bo-3")]
    pub name: String,
    /// Name as a person has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Name>,
    /// What they may, and where; 1 to 50.
    pub grants: Vec<Grant>,
}

/// A password for the first time, shown once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct GivenPassword {
    /// The person.
    pub person: PersonView,
    /// The password, which is changed when it is used first.
    pub password: Secret,
    /// Until when it is good; RFC 3339, UTC.
    pub good_until: String,
}

/// Says what a person may, in place of what they might.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetGrants {
    /// What, and where; 1 to 50.
    pub grants: Vec<Grant>,
}

/// A person, as an administrator sees them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PersonView {
    /// The person.
    pub id: PrincipalId,
    /// Login name.
    pub name: String,
    /// Name as a person has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<Name>,
    /// What they may, and where.
    pub grants: Vec<Grant>,
    /// Whether they can't log in until somebody says so.
    pub disabled: bool,
    /// Whether a second factor is set up.
    pub second_factor: bool,
    /// Whether the password was given by another and is to be changed.
    pub password_given: bool,
    /// Whether there is no password: the office's directory alone vouches for them.
    #[serde(default)]
    pub by_directory: bool,
    /// Attempts to log in since the last that went well.
    pub attempts: u32,
    /// Until when no attempt is taken, where there were too many; RFC 3339, UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait_until: Option<String>,
    /// Whether there were so many that none is taken until an administrator says so.
    pub locked_out: bool,
}
