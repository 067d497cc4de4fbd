//! The binary `sohoa`: roles and commands, configuration, telemetry, shutdown; nothing else.

mod client;
mod commands;
mod config;
mod exit;
mod http;
mod outside;
mod show;
mod telemetry;

use clap::{Parser, Subcommand};

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
    Read(commands::read::Read),
    Push(commands::push::Push),
    Dossier(commands::dossier::Dossier),
    Parked(commands::parked::Parked),
    Catalogue(commands::catalogue::Catalogue),
    Check(commands::check::Check),
}

fn main() -> std::process::ExitCode {
    let args = Args::parse();
    telemetry::start(&args.log);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::told(&anyhow::Error::from(error)).into(),
    };
    let result = runtime.block_on(async {
        match args.command {
            Command::All(all) => all.run().await,
            Command::Read(read) => read.run().await,
            Command::Push(push) => push.run().await,
            Command::Dossier(dossier) => dossier.run().await,
            Command::Parked(parked) => parked.run().await,
            Command::Catalogue(catalogue) => catalogue.run().await,
            Command::Check(check) => check.run().await,
        }
    });
    result.unwrap_or_else(|error| exit::told(&error)).into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn every_command_is_well_formed() {
        super::Args::command().debug_assert();
    }
}
