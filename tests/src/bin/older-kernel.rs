//! Runs a program as on a kernel that lacks a wall: `older-kernel WALL PROGRAM ARGUMENT…`.
//!
//! The kernel's own doing: a filter has it answer as a kernel without the wall would, and the
//! program inherits that.
#![allow(missing_docs, clippy::unwrap_used, reason = "test support")]

use std::os::unix::process::CommandExt;
use std::process::Command;

use schemas::reader::Wall;
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

fn main() {
    let mut args = std::env::args_os().skip(1);
    let wall: Wall = args.next().unwrap().to_str().unwrap().parse().unwrap();
    let (calls, answer) = match wall {
        Wall::Landlock => (
            [
                libc::SYS_landlock_create_ruleset,
                libc::SYS_landlock_add_rule,
                libc::SYS_landlock_restrict_self,
            ]
            .as_slice(),
            libc::ENOSYS,
        ),
        Wall::Seccomp => ([libc::SYS_seccomp].as_slice(), libc::EINVAL),
    };
    let filter: BpfProgram = SeccompFilter::new(
        calls.iter().map(|call| (*call, Vec::new())).collect(),
        SeccompAction::Allow,
        SeccompAction::Errno(answer.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    )
    .unwrap()
    .try_into()
    .unwrap();
    apply_filter(&filter).unwrap();
    let error = Command::new(args.next().unwrap()).args(args).exec();
    panic!("{error}");
}
