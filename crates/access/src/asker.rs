//! Who asks, as a handler sees them.

use archive::Dossier;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use problem::Problem;
use schemas::access::Reach;
use schemas::audit::Actor;
use schemas::code::Reason;
use schemas::ids::{OfficeCode, PrincipalId};

/// Who asks, and where they may do what they ask for.
#[derive(Debug, Clone)]
pub struct Asker {
    /// The principal.
    pub id: PrincipalId,
    /// Offices where the permission that this route needs was granted.
    pub reach: Reach,
}

impl Asker {
    /// Who it is, for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Principal(self.id)
    }

    /// Whether that office is within reach.
    #[must_use]
    pub fn reaches(&self, office: &OfficeCode) -> bool {
        self.reach.covers(office)
    }

    /// That dossier, if its office is within reach: to others it isn't there.
    #[must_use]
    pub fn reached(&self, dossier: Option<Dossier>) -> Option<Dossier> {
        dossier.filter(|dossier| self.reaches(&dossier.office))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Asker {
    type Rejection = Problem;

    /// Only the guard puts an asker there: without it nobody is let in.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        parts.extensions.get::<Self>().cloned().ok_or(Problem::new(Reason::Unauthenticated))
    }
}
