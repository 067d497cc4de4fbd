//! The papers, one file an office: what stands on them and where.

pub(crate) mod card;
pub(crate) mod civil;
pub(crate) mod health;
pub(crate) mod official;
pub(crate) mod residence;
pub(crate) mod separator;
