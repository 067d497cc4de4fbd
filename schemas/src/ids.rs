//! Identifiers: those we mint (UUIDs, most of them derived, so that a job done twice makes the
//! same thing twice) and those the state prints (codes, validated where they enter).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// Declares identifiers we mint ourselves.
macro_rules! minted {
    ($($(#[$doc:meta])* $name:ident)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(Uuid);

        impl $name {
            /// Wraps a UUID read back from storage.
            #[must_use]
            pub const fn from_uuid(id: Uuid) -> Self {
                Self(id)
            }

            /// The bare UUID.
            #[must_use]
            pub fn as_uuid(self) -> Uuid {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )*};
}

minted! {
    /// One citizen's application under one version of one procedure.
    DossierId
    /// One file exactly as a station sent it.
    ScanId
    /// One image of one side, cut from a scan.
    PageId
    /// A run of pages filed under one component.
    DocumentId
    /// A published document; its versions share the id.
    RecordId
    /// One question of one procedure and its answer.
    LookupId
    /// A person, a station or a system that may ask for something.
    PrincipalId
    /// A key that a principal shows.
    KeyId
    /// A line of the audit.
    LineId
    /// Something that happened, as others hear of it.
    EventId
    /// An event on its way to one subscriber.
    DeliveryId
    /// A question to another Kho.
    InquiryId
}

impl PrincipalId {
    /// A new principal.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl LineId {
    /// A new line; ids sort by time.
    #[must_use]
    pub fn next() -> Self {
        Self(Uuid::now_v7())
    }
}

impl KeyId {
    /// A new key.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl DossierId {
    /// A new dossier; ids sort by time of opening.
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// A key that a principal repeats opens the same dossier.
    #[must_use]
    pub fn keyed(principal: PrincipalId, key: &str) -> Self {
        Self(Uuid::new_v5(&principal.0, key.as_bytes()))
    }
}

impl Default for DossierId {
    fn default() -> Self {
        Self::new()
    }
}

impl ScanId {
    /// The same bytes in the same dossier are the same scan.
    #[must_use]
    pub fn of(dossier: DossierId, bytes: Blake3) -> Self {
        Self(Uuid::new_v5(&dossier.0, &bytes.0))
    }
}

impl PageId {
    /// The page at place `seq` (from 0) of a scan.
    #[must_use]
    pub fn nth(scan: ScanId, seq: u32) -> Self {
        Self(Uuid::new_v5(&scan.0, &seq.to_be_bytes()))
    }
}

impl DocumentId {
    /// A document is known by its first page, so that pages arriving later extend it.
    #[must_use]
    pub fn starting_at(page: PageId) -> Self {
        Self(Uuid::new_v5(&page.0, b"document"))
    }
}

impl RecordId {
    /// The record that a document is published as.
    #[must_use]
    pub fn of(document: DocumentId) -> Self {
        Self(Uuid::new_v5(&document.0, b"record"))
    }
}

impl LookupId {
    /// A repeated request id is the same question.
    #[must_use]
    pub fn of(request: Uuid) -> Self {
        Self(Uuid::new_v5(&request, b"lookup"))
    }
}

impl EventId {
    /// What happened to a dossier with its change of that number.
    #[must_use]
    pub fn of(dossier: DossierId, turn: i64) -> Self {
        Self(Uuid::new_v5(&dossier.0, &turn.to_be_bytes()))
    }
}

impl InquiryId {
    /// A repeated request id is the same question.
    #[must_use]
    pub fn of(request: Uuid) -> Self {
        Self(Uuid::new_v5(&request, b"inquiry"))
    }
}

impl DeliveryId {
    /// The event, for the subscriber of that name.
    #[must_use]
    pub fn of(event: EventId, subscriber: &str) -> Self {
        Self(Uuid::new_v5(&event.0, subscriber.as_bytes()))
    }
}

/// A blake3 hash, 32 bytes; 64 lower-case hexadecimal digits in text.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[0-9a-f]{64}$")]
pub struct Blake3(pub [u8; 32]);

impl Blake3 {
    /// The hash of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Blake3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl FromStr for Blake3 {
    type Err = Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        let lower_hex = |b: &u8| b.is_ascii_digit() || (b'a'..=b'f').contains(b);
        if digits.len() != 64 || !digits.iter().all(lower_hex) {
            return Err(Malformed("a blake3 hash has 64 lower-case hexadecimal digits"));
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| Malformed("not hexadecimal"))?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| Malformed("not hexadecimal"))?;
        }
        Ok(Self(bytes))
    }
}

impl TryFrom<String> for Blake3 {
    type Error = Malformed;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Blake3> for String {
    fn from(hash: Blake3) -> String {
        hash.to_string()
    }
}

/// A code that does not have the form it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub &'static str);

/// Declares codes that others hand out: text of a checked form.
macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident: $check:expr, $says:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(try_from = "String", into = "String")]
        #[schema(value_type = String)]
        pub struct $name(String);

        impl $name {
            /// The code as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Malformed;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let check: fn(&str) -> bool = $check;
                if check(text) { Ok(Self(text.to_owned())) } else { Err(Malformed($says)) }
            }
        }

        impl TryFrom<String> for $name {
            type Error = Malformed;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(code: $name) -> String {
                code.0
            }
        }
    )*};
}

codes! {
    /// Code of a procedure (mã TTHC): `1.001193`, with a province's suffix `1.013226.H17` or
    /// `2.000205.000.00.00.H17`.
    ProcedureCode: is_procedure_code, "a procedure code looks like 1.001193";
    /// Code of a result of a procedure (mã kết quả): `KQ.G15.000031`.
    ResultCode: is_result_code, "a result code looks like KQ.G15.000031";
    /// Code of a dossier (mã hồ sơ), by the office's template.
    DossierCode: |t| is_token(t, 64), "a dossier code has 1 to 64 letters, digits, '.', '-' or '_'";
    /// Electronic identifier of an office (mã định danh điện tử), at most 35 characters:
    /// `H26.01.02`.
    OfficeCode: |t| is_token(t, 35), "an office code has 1 to 35 letters, digits, '.', '-' or '_'";
    /// A variant of a procedure, unique within it.
    CaseId: |t| is_token(t, 64), "a case id has 1 to 64 letters, digits, '.', '-' or '_'";
    /// One line of what must be handed in: `1.001193-TP01`.
    ComponentId: |t| is_token(t, 64), "a component id has 1 to 64 letters, digits, '.', '-' or '_'";
    /// A kind of paper: `birth_certificate`.
    KindId: |t| is_token(t, 64), "a kind id has 1 to 64 letters, digits, '.', '-' or '_'";
}

impl OfficeCode {
    /// Whether the other office is this one or below it: codes are the tree, `H26.01` ⊃
    /// `H26.01.02`.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let below = other.0.strip_prefix(&self.0);
        below.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    }

    /// Code of the ministry or province that the office belongs to: `H26` of `H26.01.02`.
    #[must_use]
    pub fn province(&self) -> &str {
        self.0.split_once('.').map_or(self.0.as_str(), |(first, _)| first)
    }
}

fn is_token(text: &str, longest: usize) -> bool {
    let fits = !text.is_empty() && text.len() <= longest;
    fits && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// `^\d\.\d{6}(\.(000\.00\.00\.)?H\d{2})?$`
fn is_procedure_code(text: &str) -> bool {
    let mut parts = text.splitn(3, '.');
    let (Some(group), Some(number)) = (parts.next(), parts.next()) else { return false };
    let suffix = parts.next().map(|s| s.strip_prefix("000.00.00.").unwrap_or(s));
    let is_province =
        |s: &str| s.len() == 3 && s.strip_prefix('H').is_some_and(|digits| all_digits(digits, 2));
    all_digits(group, 1) && all_digits(number, 6) && suffix.is_none_or(is_province)
}

/// `^KQ\.[A-Z]\d{2}\.\d{6}$`
fn is_result_code(text: &str) -> bool {
    let Some((authority, number)) = text.strip_prefix("KQ.").and_then(|t| t.split_once('.')) else {
        return false;
    };
    let (letter, digits) = authority.split_at_checked(1).unwrap_or(("", ""));
    letter.bytes().all(|b| b.is_ascii_uppercase()) && all_digits(digits, 2) && all_digits(number, 6)
}

fn all_digits(text: &str, count: usize) -> bool {
    text.len() == count && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_checked_where_they_enter() {
        for good in ["1.001193", "1.013226.H17", "2.000205.000.00.00.H17"] {
            assert!(good.parse::<ProcedureCode>().is_ok(), "{good}");
        }
        for bad in
            ["", "1.00119", "10.01193", "1.001193.", "1.001193.X17", "1.001193.H7", "1.00119３"]
        {
            assert!(bad.parse::<ProcedureCode>().is_err(), "{bad}");
        }
        assert!("KQ.G15.000031".parse::<ResultCode>().is_ok());
        for bad in ["KQ.G15.31", "KQ.15.000031", "kq.G15.000031", "KQ.", "KQ..000031"] {
            assert!(bad.parse::<ResultCode>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_office_covers_itself_and_those_below_it_alone() {
        let covers = |one: &str, other: &str| {
            one.parse::<OfficeCode>().unwrap().covers(&other.parse().unwrap())
        };
        assert!(covers("H26.01", "H26.01") && covers("H26.01", "H26.01.02"));
        for (one, other) in [("H26.01", "H26"), ("H26.01", "H26.011"), ("H26.01", "H26.02.01")] {
            assert!(!covers(one, other), "{one} {other}");
        }
    }

    #[test]
    fn a_hash_survives_its_text() {
        let hash = Blake3([0xA5; 32]);
        assert_eq!(hash.to_string().parse(), Ok(hash));
        assert!("a5".parse::<Blake3>().is_err());
        assert!("é".repeat(32).parse::<Blake3>().is_err());
    }

    #[test]
    fn the_same_bytes_in_the_same_dossier_are_the_same_scan() {
        let (one, other) = (DossierId::new(), DossierId::new());
        let bytes = Blake3([1; 32]);
        assert_eq!(ScanId::of(one, bytes), ScanId::of(one, bytes));
        assert_ne!(ScanId::of(one, bytes), ScanId::of(other, bytes));
    }
}
