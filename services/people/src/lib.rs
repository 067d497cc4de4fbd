//! People: how they log in, and who says what they may.

mod directory;
mod factor;
mod login;
mod password;
mod persons;
mod session;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use access::{RateLimit, SessionRules};
use archive::Archive;
use problem::Answer;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::directory::{MOST_STEPS, STEPS_WINDOW};

pub use directory::{Directory, DirectoryError, DirectoryTerms};
pub use login::{Login, login_digest, wait};
pub use password::{GIVEN_DAYS, Passwords, given_password};
pub use persons::{MOST_GRANTS, is_login_name};

/// Logins that go wrong from one neighbourhood in ten minutes.
const MOST_WRONG: u32 = 30;

/// How long they are counted together.
const WRONG_WINDOW: Duration = Duration::from_secs(600);

/// The desk that people log in at. Cheap to clone.
#[derive(Clone)]
pub struct PeopleDesk {
    archive: Archive,
    rules: Arc<SessionRules>,
    passwords: Passwords,
    wrong: Arc<RateLimit<IpAddr>>,
    directory: Option<Arc<Directory>>,
    steps: Arc<RateLimit<IpAddr>>,
}

impl PeopleDesk {
    /// A desk over that archive; where there is a directory, it vouches for people, too.
    ///
    /// # Errors
    /// When the system has no random bytes.
    pub fn new(
        archive: Archive,
        rules: SessionRules,
        directory: Option<Directory>,
    ) -> Answer<Self> {
        let wrong = Arc::new(RateLimit::new(MOST_WRONG, WRONG_WINDOW));
        let steps = Arc::new(RateLimit::new(MOST_STEPS, STEPS_WINDOW));
        let (rules, directory) = (Arc::new(rules), directory.map(Arc::new));
        Ok(Self { archive, rules, passwords: Passwords::new()?, wrong, directory, steps })
    }
}

/// The routes for people, served from that desk.
pub fn router(desk: PeopleDesk) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(session::log_in, session::show_session, session::log_out))
        .routes(routes!(session::change_password))
        .routes(routes!(directory::go_to_directory))
        .routes(routes!(directory::come_back))
        .routes(routes!(factor::offer_factor, factor::confirm_factor))
        .routes(routes!(persons::list_persons, persons::make_person))
        .routes(routes!(persons::show_person))
        .routes(routes!(persons::set_grants))
        .routes(routes!(persons::give_password))
        .routes(routes!(persons::leave_to_directory))
        .routes(routes!(persons::disable_person))
        .routes(routes!(persons::enable_person))
        .routes(routes!(persons::unlock_person))
        .routes(routes!(persons::forget_factor))
        .with_state(desk)
}
