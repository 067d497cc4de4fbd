//! Nobody gets in who doesn't belong: who asks, and whether they may, is decided here, before a
//! handler sees the request.
//!
//! Every address is closed. What opens it is the description of its operation in the `OpenAPI`
//! document: `x-permission` names the permissions of which one is needed. What is not described
//! and not one of the few addresses in [`OPEN`] stays closed, whoever asks. A handler learns from
//! its [`Asker`] which offices that permission reaches, and answers about others as if they were
//! not there.

mod asker;
mod description;
mod guard;
mod keys;
mod pace;

pub use asker::Asker;
pub use description::describe;
pub use guard::{Guard, OPEN, check};
pub use keys::{KeyText, MadeKey};
