//! Who may do what: permissions, roles as named sets of them, and what a role is granted for.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ids::OfficeCode;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        pub enum $name { $($(#[$each])* #[serde(rename = $word)] $variant,)* }

        impl $name {
            /// All there are.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// Its name, everywhere.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::str::FromStr for $name {
            type Err = crate::ids::Malformed;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let found = Self::ALL.iter().copied().find(|each| each.as_str() == text);
                found.ok_or(crate::ids::Malformed(concat!("one of: ", $($word, " ",)*)))
            }
        }
    };
}

words! {
    /// What somebody may do.
    Permission {
        /// Open dossiers, show and close them.
        Open = "open",
        /// Send scans.
        Scan = "scan",
        /// Look at pages, file documents, have parked jobs tried again.
        Correct = "correct",
        /// Confirm what another has corrected.
        Approve = "approve",
        /// Ask what a citizen has; read records, for a purpose.
        LookUp = "look_up",
        /// Revoke records.
        Revoke = "revoke",
        /// See who did what.
        Audit = "audit",
        /// Say who may do what.
        Administer = "administer",
    }
}

words! {
    /// A named set of permissions.
    Role {
        /// A scanner at a counter: sends scans, and sees nothing.
        Station = "station",
        /// An officer at a counter.
        Officer = "officer",
        /// Whoever looks at what the machine was unsure of.
        BackOffice = "back_office",
        /// Another procedure's system.
        System = "system",
        /// Whoever says who may do what. No citizen's paper is theirs to see.
        Administrator = "administrator",
    }
}

words! {
    /// What sort of principal.
    PrincipalKind {
        /// A person, who logs in.
        Person = "person",
        /// A station, which shows a key.
        Station = "station",
        /// Another system, which shows a key.
        System = "system",
    }
}

/// Text that opens something: a password, a code, a secret. It has no `Display`, and its `Debug`
/// doesn't show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = String, format = Password)]
pub struct Secret(String);

impl Secret {
    /// Wraps it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Role {
    /// What the role may do, and nothing else.
    #[must_use]
    pub fn permissions(self) -> &'static [Permission] {
        use Permission::{Administer, Approve, Audit, Correct, LookUp, Open, Revoke, Scan};
        match self {
            Self::Station => &[Scan],
            Self::Officer => &[Open, Scan, LookUp],
            Self::BackOffice => &[Correct, Approve, Revoke],
            Self::System => &[LookUp],
            Self::Administrator => &[Audit, Administer],
        }
    }
}

/// A role, for an office and those below it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Grant {
    /// The role.
    pub role: Role,
    /// The office; every office when left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeCode>,
}

/// The offices that somebody reaches with some permission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// All.
    Everywhere,
    /// These, and those below them; nowhere when there is none.
    Offices(Vec<OfficeCode>),
}

impl Reach {
    /// Where these grants, narrowed to the permissions in `only` unless that is empty, give one
    /// of the permissions `needed`.
    #[must_use]
    pub fn of(grants: &[Grant], only: &[Permission], needed: &[Permission]) -> Self {
        let mut offices = Vec::new();
        for grant in grants {
            let gives =
                |one: &Permission| needed.contains(one) && (only.is_empty() || only.contains(one));
            if !grant.role.permissions().iter().any(gives) {
                continue;
            }
            match &grant.office {
                None => return Self::Everywhere,
                Some(office) => offices.push(office.clone()),
            }
        }
        Self::Offices(offices)
    }

    /// Whether it is nowhere.
    #[must_use]
    pub fn is_nowhere(&self) -> bool {
        matches!(self, Self::Offices(offices) if offices.is_empty())
    }

    /// Whether that office is within.
    #[must_use]
    pub fn covers(&self, office: &OfficeCode) -> bool {
        match self {
            Self::Everywhere => true,
            Self::Offices(offices) => offices.iter().any(|mine| mine.covers(office)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: Role, office: Option<&str>) -> Grant {
        Grant { role, office: office.map(|office| office.parse().unwrap()) }
    }

    #[test]
    fn a_role_reaches_only_where_it_was_granted_and_only_what_is_its_own() {
        let grants =
            [grant(Role::Officer, Some("H26.01")), grant(Role::BackOffice, Some("H26.02"))];
        let reach = Reach::of(&grants, &[], &[Permission::Open]);
        assert!(reach.covers(&"H26.01.07".parse().unwrap()));
        assert!(!reach.covers(&"H26.02".parse().unwrap()));
        assert!(Reach::of(&grants, &[], &[Permission::Administer]).is_nowhere());
        assert!(Reach::of(&grants, &[], &[]).is_nowhere());
        let either = Reach::of(&grants, &[], &[Permission::Open, Permission::Correct]);
        assert!(either.covers(&"H26.02".parse().unwrap()));
    }

    #[test]
    fn a_narrowed_key_does_less_than_its_holder_and_never_more() {
        let grants = [grant(Role::Officer, None)];
        let only = [Permission::Scan, Permission::Administer];
        assert_eq!(Reach::of(&grants, &only, &[Permission::Scan]), Reach::Everywhere);
        assert!(Reach::of(&grants, &only, &[Permission::Open]).is_nowhere());
        assert!(Reach::of(&grants, &only, &[Permission::Administer]).is_nowhere());
    }

    #[test]
    fn no_role_that_administers_sees_papers() {
        for role in Role::ALL {
            let has = |one| role.permissions().contains(&one);
            assert!(!has(Permission::Administer) || !has(Permission::LookUp), "{role:?}");
            assert_eq!(role.as_str().parse::<Role>(), Ok(*role));
        }
    }
}
