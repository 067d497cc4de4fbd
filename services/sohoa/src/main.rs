//! The binary `sohoa`: roles and commands, configuration, telemetry, shutdown; nothing else.

mod audit;
mod client;
mod commands;
mod config;
mod connections;
mod exit;
mod fate;
mod first;
mod http;
mod office;
mod outside;
mod ready;
mod show;
mod telemetry;
mod verdict;
mod who;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

use crate::config::Config;
use crate::exit::Exit;

/// Sohoa digitises the papers that citizens hand over at one-stop counters, once.
///
/// Start everything on this machine, then send a dossier through it:
///
///   sohoa all --data ./sohoa-data
///   sohoa push don.pdf cccd.jpg --procedure 1.001193 --citizen 001199000013 \
///       --name 'Nguyễn Thị Mẫu' --born 1999-01-01
///
/// Exit codes: 0 done; 1 failed; 2 wrong usage; 3 refused, with a reason; 4 the server can't be
/// reached; 5 done, but something was refused, parked or found amiss.
#[derive(Debug, Parser)]
#[command(name = "sohoa", version, verbatim_doc_comment)]
struct Args {
    /// Tell more of what goes on (RUST_LOG-like filter: `debug`, `worker=debug`).
    #[arg(long, global = true, default_value = "info", value_name = "FILTER")]
    log: String,
    #[command(subcommand)]
    command: Command,
}

/// One file a command, under `commands`; what each says of itself stands there.
#[derive(Debug, Subcommand)]
enum Command {
    All(commands::all::All),
    Intake(commands::role::Intake),
    Records(commands::role::Records),
    Review(commands::role::Review),
    Work(commands::role::Work),
    Migrate(commands::migrate::Migrate),
    Read(commands::read::Read),
    Push(commands::push::Push),
    Dossier(commands::dossier::Dossier),
    Parked(commands::parked::Parked),
    Deliveries(commands::deliveries::Deliveries),
    Export(commands::export::Export),
    Report(commands::report::Report),
    Catalogue(commands::catalogue::Catalogue),
    Access(commands::access::Access),
    Check(commands::check::Check),
    #[command(name = "subject")]
    Subject(commands::subject::SubjectCommand),
    Retention(commands::retention::Retention),
    Verify(commands::verify::Verify),
    Backup(commands::backup::Backup),
    Restore(commands::restore::Restore),
    Keys(commands::keys::KeysCommand),
}

/// How long what still blocks a thread may take when everything else has ended.
const LAST: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let args = Args::parse();
    run(args).unwrap_or_else(|error| exit::told(&error)).into()
}

fn run(Args { log, command }: Args) -> anyhow::Result<Exit> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // What runs for long says in its configuration how it wants to be seen.
    let config = Config::read(command.config())?;
    let telemetry = telemetry::start(&log, &config.telemetry, runtime.handle());
    let result = runtime.block_on(async {
        match command {
            Command::All(all) => all.run(config).await,
            Command::Intake(intake) => intake.run(config).await,
            Command::Records(records) => records.run(config).await,
            Command::Review(review) => review.run(config).await,
            Command::Work(work) => work.run(config).await,
            Command::Migrate(migrate) => migrate.run(config).await,
            Command::Read(read) => read.run().await,
            Command::Push(push) => push.run().await,
            Command::Dossier(dossier) => dossier.run().await,
            Command::Parked(parked) => parked.run().await,
            Command::Deliveries(deliveries) => deliveries.run().await,
            Command::Export(export) => export.run().await,
            Command::Report(report) => report.run().await,
            Command::Catalogue(catalogue) => catalogue.run().await,
            Command::Access(access) => access.run().await,
            Command::Check(check) => check.run().await,
            Command::Subject(subject) => subject.run().await,
            Command::Retention(retention) => retention.run().await,
            Command::Verify(verify) => verify.run(),
            Command::Backup(backup) => backup.run().await,
            Command::Restore(restore) => restore.run().await,
            Command::Keys(keys) => keys.run().await,
        }
    });
    telemetry.end();
    runtime.shutdown_timeout(LAST);
    result
}

impl Command {
    /// The configuration file of a command that runs roles; others read theirs by themselves.
    fn config(&self) -> Option<&Path> {
        let file = match self {
            Self::All(all) => &all.config,
            Self::Intake(intake) => &intake.serving.config,
            Self::Records(records) => &records.serving.config,
            Self::Review(review) => &review.serving.config,
            Self::Work(work) => &work.config,
            Self::Migrate(migrate) => &migrate.at.config,
            Self::Read(_)
            | Self::Push(_)
            | Self::Dossier(_)
            | Self::Parked(_)
            | Self::Deliveries(_)
            | Self::Export(_)
            | Self::Report(_)
            | Self::Catalogue(_)
            | Self::Access(_)
            | Self::Check(_)
            | Self::Subject(_)
            | Self::Verify(_)
            | Self::Backup(_)
            | Self::Restore(_)
            | Self::Keys(_)
            | Self::Retention(_) => &None,
        };
        file.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use clap::CommandFactory;

    #[test]
    fn every_command_is_well_formed() {
        super::Args::command().debug_assert();
    }

    #[test]
    fn every_command_teaches_by_example_and_stands_in_the_readme() {
        let readme = include_str!("../../../README.md");
        let rows = readme.lines().filter_map(|line| line.strip_prefix("| `sohoa "));
        // A row may be of several: `sohoa intake\|records`.
        let named = rows.filter_map(|row| row.split([' ', '`']).next());
        let named: BTreeSet<&str> = named.flat_map(|names| names.split("\\|")).collect();
        let mut program = super::Args::command();
        for command in program.get_subcommands_mut() {
            let name = command.get_name().to_owned();
            let help = command.render_long_help().to_string();
            assert!(help.contains(&format!("\n  sohoa {name} ")), "{name}: {help}");
            assert!(named.contains(name.as_str()), "README names no `sohoa {name}`");
        }
    }
}
