//! The wall around files: Landlock.

use std::path::PathBuf;

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, Scope, path_beneath_rules,
};
use schemas::reader::Wall;

use super::JailError;

/// What the first kernel with Landlock (5.13) can do; less is no wall.
const LEAST: ABI = ABI::V1;
/// What is asked for where there is more: truncating, TCP, ioctl on devices, signals and abstract
/// sockets of other processes. seccomp forbids each of them as well.
const MOST: ABI = ABI::V6;

/// Leaves the files of `readable` to be read, and nothing else, to this thread and those it will start.
pub(super) fn shut(readable: &[PathBuf]) -> Result<(), JailError> {
    let ruled = || -> Result<(), RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_all(LEAST))?
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(MOST))?
            .handle_access(AccessNet::from_all(MOST))?
            .scope(Scope::from_all(MOST))?
            .create()?
            .set_compatibility(CompatLevel::HardRequirement)
            .add_rules(path_beneath_rules(readable, AccessFs::ReadFile))?
            .restrict_self()?;
        Ok(())
    };
    ruled().map_err(|e| JailError::NoWall { wall: Wall::Landlock, detail: e.to_string() })
}
