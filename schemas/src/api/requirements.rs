//! Bodies for those who ask what a citizen already has.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dossiers::RawSubject;
use super::dossiers::{Answers, ComponentView};
use super::once::RecordStanding;
use crate::ids::{
    Blake3, CaseId, ComponentId, DossierCode, LookupId, OfficeCode, PrincipalId, ProcedureCode,
    RecordId,
};
use crate::record::Record;
use crate::record::{ProofState, RecordState};

/// Asks what a citizen must still hand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RequirementsRequest {
    /// Procedure.
    pub procedure: ProcedureCode,
    /// Variant, where the procedure has several.
    #[serde(default)]
    pub case: Option<CaseId>,
    /// Who applies.
    pub subject: RawSubject,
    /// Other people whose papers the application needs: the other spouse, the child, the parents.
    /// Checked as the subject is; nobody is named twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 8)]
    pub others: Vec<RawSubject>,
    /// What for: 5 to 500 characters. Names none of them.
    pub purpose: String,
    /// Answers to the questions of components that are asked for on a condition.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub answers: Answers,
    /// Office that asks; the configured one when left out. Some papers hold good in one place
    /// only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub office: Option<OfficeCode>,
}

/// What a citizen must still hand in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Requirements {
    /// Procedure.
    pub procedure: ProcedureCode,
    /// Its name.
    pub procedure_name: String,
    /// Version asked under.
    pub procedure_version: u32,
    /// Variant.
    pub case: Option<CaseId>,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// Each component.
    pub components: Vec<ComponentView>,
}

/// Asks for a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LookupRequest {
    /// Chosen by the asker; a repeat gets the same answer.
    pub request: uuid::Uuid,
    /// The record.
    pub record: RecordId,
    /// Whose it must be.
    pub subject: RawSubject,
    /// What for: 5 to 500 characters.
    pub purpose: String,
    /// Law that allows it.
    #[serde(default)]
    pub legal_basis: Option<String>,
    /// Dossier that it is for.
    #[serde(default)]
    pub dossier: Option<DossierCode>,
    /// Officer or system that asks.
    pub asked_by: String,
    /// On whose behalf: the agency, or the person who gave a mandate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Component of the dossier that it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentId>,
}

/// The answer to a lookup, kept as it was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Lookup {
    /// The lookup.
    pub id: LookupId,
    /// When it was asked; RFC 3339, UTC.
    pub asked_at: String,
    /// What for.
    pub purpose: String,
    /// Law that allows it.
    pub legal_basis: Option<String>,
    /// Dossier that it was for.
    pub dossier: Option<DossierCode>,
    /// Who asked, as they said.
    pub asked_by: String,
    /// On whose behalf.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_behalf_of: Option<String>,
    /// Component of the dossier that it was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentId>,
    /// Whose key or session it was asked with; none of lookups older than keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub principal: Option<PrincipalId>,
    /// The record as it was at that moment.
    pub record: Record,
    /// blake3 of the record's JSON as answered.
    pub answer_hash: Blake3,
    /// blake3 of the line that this lookup left in the audit, which binds it into the chain; of
    /// lookups older than the audit, their hash in a chain of their own.
    pub chain_hash: Blake3,
}

/// A version of a record, in a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RecordVersion {
    /// Version, from 1.
    pub version: u32,
    /// Where it stands.
    pub state: RecordState,
    /// The same as of today: a version in use may have run out, one that isn't may have been
    /// corrected.
    pub standing: RecordStanding,
    /// Why it is not in use any more, where somebody said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_reason: Option<String>,
    /// The record of another paper that took its place, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub superseded_by: Option<RecordId>,
    /// When it was published; RFC 3339, UTC.
    pub published_at: String,
    /// Its hash.
    pub hash: Blake3,
    /// blake3 of its PDF/A.
    pub pdf: Blake3,
    /// Whether the agency vouches for it.
    pub proof: ProofState,
}
