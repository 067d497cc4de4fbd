//! What other Kho were asked for the components of a dossier, and what came of it.

use crate::ids::{ComponentId, InquiryId};

/// A question to another Kho about a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The component.
    pub component: ComponentId,
    /// The question.
    pub inquiry: InquiryId,
    /// The Kho.
    pub kho: String,
    /// What came of it.
    pub heard: Heard,
}

/// What came of a question to another Kho; what counts more stands below.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// It has no paper that the component accepts.
    Nothing,
    /// It doesn't answer: given up.
    Silence,
    /// The citizen prefers to hand the paper in.
    Declined,
    /// No answer yet.
    NotYet,
    /// It has a paper that the component accepts; whether it is used is still to be said.
    Paper,
    /// The paper of that name is used.
    Used(String),
}
