//! Who asks, as a handler sees them.

use archive::Dossier;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use problem::Problem;
use schemas::access::{Permission, Reach};
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
    /// The same of each permission that opens this route.
    pub granted: Vec<(Permission, Reach)>,
}

impl Asker {
    /// Who it is, for the audit.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::Principal(self.id)
    }

    /// The same asker with nothing but that permission, one of those that open this route; none
    /// where it isn't theirs.
    #[must_use]
    pub fn with(&self, permission: Permission) -> Option<Self> {
        let (_, reach) = self.granted.iter().find(|(granted, _)| *granted == permission)?;
        let (reach, granted) = (reach.clone(), vec![(permission, reach.clone())]);
        (!reach.is_nowhere()).then_some(Self { id: self.id, reach, granted })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_permission_reaches_is_not_lent_to_another() {
        let office = |code: &str| Reach::Offices(vec![code.parse().unwrap()]);
        let (here, nowhere) = (office("H26.01"), Reach::Offices(Vec::new()));
        let asker = Asker {
            id: PrincipalId::random(),
            reach: Reach::Everywhere,
            granted: vec![
                (Permission::Audit, Reach::Everywhere),
                (Permission::LookUp, here.clone()),
                (Permission::Correct, nowhere),
            ],
        };
        assert_eq!(asker.with(Permission::LookUp).unwrap().reach, here);
        assert_eq!(asker.with(Permission::Audit).unwrap().reach, Reach::Everywhere);
        assert!(asker.with(Permission::Audit).unwrap().with(Permission::LookUp).is_none());
        assert!(asker.with(Permission::Correct).is_none(), "granted nowhere");
        assert!(asker.with(Permission::Open).is_none(), "it doesn't open the route");
    }
}
