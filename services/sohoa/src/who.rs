//! Whom a command is about, as that is typed.

use anyhow::{Context, bail};
use schemas::Date;
use schemas::api::RawSubject;

/// A citizen or an organisation.
#[derive(Debug, clap::Args)]
pub(crate) struct Who {
    /// The citizen's identity number, 12 digits.
    #[arg(long, value_name = "NUMBER", required_unless_present = "organisation")]
    citizen: Option<String>,
    /// An organisation's tax code, instead of a citizen's number.
    #[arg(long, value_name = "NUMBER", conflicts_with = "citizen")]
    organisation: Option<String>,
    /// Name of the citizen or organisation.
    #[arg(long, required = true)]
    name: Option<String>,
    /// The citizen's date of birth: 1999-01-01.
    #[arg(long, required_unless_present = "organisation")]
    born: Option<Date>,
}

impl Who {
    /// What was typed, where there is enough of it.
    pub(crate) fn raw(&self) -> anyhow::Result<RawSubject> {
        let name = self.name.clone().context("--name is needed")?;
        Ok(match (&self.citizen, &self.organisation, self.born) {
            (_, Some(number), _) => RawSubject::Organisation { number: number.clone(), name },
            (Some(number), None, Some(born)) => {
                RawSubject::Citizen { number: number.clone(), name, born }
            }
            _ => bail!("--citizen with --born, or --organisation, is needed"),
        })
    }
}
