//! Nobody gets in who doesn't belong: who asks, and whether they may, is decided here, before a
//! handler sees the request.
//!
//! Every address is closed. What opens it is the description of its operation in the `OpenAPI`
//! document: `x-permission` names the permissions of which one is needed, or says `person` (whoever
//! is logged in) or `anyone`. What is not described
//! and not one of the few addresses in [`OPEN`] stays closed, whoever asks. A handler learns from
//! its [`Asker`] which offices that permission reaches, and answers about others as if they were
//! not there.

mod asker;
mod cookie;
mod description;
mod guard;
mod headers;
mod keys;
mod origin;
mod peer;
mod rate_limit;
mod session;
mod visit;

pub use asker::Asker;
pub use description::describe;
pub use guard::{Guard, GuardRules, OPEN, check};
pub use keys::{KeyText, MadeKey};
pub use peer::{Peer, Way};
pub use rate_limit::RateLimit;
pub use session::{LoggedIn, SessionRules, Token};
pub use visit::Visit;
