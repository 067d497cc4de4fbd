//! The wall around the kernel: seccomp.
//!
//! Two filters, of which the kernel takes the stricter answer: one that allows by name and refuses
//! the rest with an error, and one that kills.

use std::collections::BTreeMap;

use schemas::reader::Wall;
use seccompiler::SeccompCmpArgLen::Dword;
use seccompiler::SeccompCmpOp::{Eq, MaskedEq};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
    apply_filter_all_threads,
};

use super::JailError;

/// Numbers of calls, with conditions on their arguments, any of which must hold.
type Rules = BTreeMap<i64, Vec<SeccompRule>>;

/// Allowed whatever their arguments.
const ALLOWED: &[i64] = &[
    // Memory, for every allocator.
    libc::SYS_brk,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    // Descriptors that are there already, and fonts.
    libc::SYS_close,
    libc::SYS_fstat,
    libc::SYS_lseek,
    libc::SYS_pread64,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_write,
    libc::SYS_writev,
    // The orphan watch waits with it.
    libc::SYS_ppoll,
    // Threads that run already, one of which may just have started.
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    // Signals to itself: how a process aborts.
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sigaltstack,
    // Time, chance, size of the machine.
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_getrandom,
    libc::SYS_gettimeofday,
    libc::SYS_nanosleep,
    libc::SYS_sysinfo,
];

/// The same under the names of older machines.
#[cfg(target_arch = "x86_64")]
const ALLOWED_OLD: &[i64] = &[libc::SYS_poll];
#[cfg(not(target_arch = "x86_64"))]
const ALLOWED_OLD: &[i64] = &[];

/// No library of ours calls these, on no page: who does has taken the reader over.
const KILLED: &[i64] = &[
    // Programs.
    libc::SYS_execve,
    libc::SYS_execveat,
    // The network, and other processes' sockets.
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_bind,
    libc::SYS_connect,
    libc::SYS_listen,
    libc::SYS_recvmmsg,
    libc::SYS_recvmsg,
    libc::SYS_sendmmsg,
    libc::SYS_sendmsg,
    libc::SYS_sendto,
    libc::SYS_socket,
    libc::SYS_socketpair,
    // Other processes.
    libc::SYS_kill,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_ptrace,
    libc::SYS_tkill,
    // Doors past these walls, and the kernel's own insides.
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_chroot,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_memfd_create,
    libc::SYS_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_perf_event_open,
    libc::SYS_pivot_root,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_umount2,
    libc::SYS_unshare,
    libc::SYS_userfaultfd,
];

/// The same under the names of older machines.
#[cfg(target_arch = "x86_64")]
const KILLED_OLD: &[i64] = &[libc::SYS_fork, libc::SYS_vfork];
#[cfg(not(target_arch = "x86_64"))]
const KILLED_OLD: &[i64] = &[];

/// Shuts every thread in. `may_open`: whether files may be opened for reading; which, Landlock says.
pub(super) fn shut(may_open: bool) -> Result<(), JailError> {
    let no_wall = |detail: String| JailError::NoWall { wall: Wall::Seccomp, detail };
    let filters = || -> Result<[BpfProgram; 2], seccompiler::BackendError> {
        let refused = SeccompAction::Errno(libc::EPERM.unsigned_abs());
        Ok([
            program(killed(), SeccompAction::Allow, SeccompAction::KillProcess)?,
            // Last, since it allows no further filter.
            program(allowed(may_open)?, refused, SeccompAction::Allow)?,
        ])
    };
    for filter in filters().map_err(|e| no_wall(e.to_string()))? {
        apply_filter_all_threads(&filter).map_err(|e| no_wall(e.to_string()))?;
    }
    Ok(())
}

fn program(
    rules: Rules,
    otherwise: SeccompAction,
    named: SeccompAction,
) -> Result<BpfProgram, seccompiler::BackendError> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules, otherwise, named, arch)?.try_into()
}

fn killed() -> Rules {
    KILLED.iter().chain(KILLED_OLD).map(|call| (*call, Vec::new())).collect()
}

fn allowed(may_open: bool) -> Result<Rules, seccompiler::BackendError> {
    let mut rules: Rules =
        ALLOWED.iter().chain(ALLOWED_OLD).map(|call| (*call, Vec::new())).collect();
    let mut only = |call, argument, compared, value| -> Result<(), seccompiler::BackendError> {
        let condition = SeccompCondition::new(argument, Dword, compared, value)?;
        rules.entry(call).or_default().push(SeccompRule::new(vec![condition])?);
        Ok(())
    };
    // No memory becomes code: everything that is run was loaded before.
    only(libc::SYS_mmap, 2, MaskedEq(flag(libc::PROT_EXEC)), 0)?;
    only(libc::SYS_mprotect, 2, MaskedEq(flag(libc::PROT_EXEC)), 0)?;
    // No signal but to its own threads.
    only(libc::SYS_tgkill, 0, Eq, std::process::id().into())?;
    // The state of a descriptor, never a copy of it.
    only(libc::SYS_fcntl, 1, Eq, flag(libc::F_GETFD))?;
    only(libc::SYS_fcntl, 1, Eq, flag(libc::F_GETFL))?;
    if may_open {
        let writes = libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | libc::O_TMPFILE;
        let to_write = flag(writes & !libc::O_DIRECTORY);
        only(libc::SYS_openat, 2, MaskedEq(to_write), flag(libc::O_RDONLY))?;
    }
    Ok(rules)
}

/// The kernel's flags are small numbers that the C library calls signed.
fn flag(value: libc::c_int) -> u64 {
    value.unsigned_abs().into()
}
