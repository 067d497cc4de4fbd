//! Whom a command is about, as that is typed.

use std::str::FromStr;

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

/// Somebody beside whom a command is about, in one argument.
#[derive(Debug, Clone)]
pub(crate) struct Other(pub(crate) RawSubject);

impl FromStr for Other {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Not a word of what was typed: it is somebody's number.
        const HOW: &str = "a number, a name and a citizen's date of birth, with commas between";
        let (number, rest) = text.split_once(',').ok_or(HOW)?;
        let number = number.trim().to_owned();
        let dated = rest.rsplit_once(',').and_then(|(name, born)| {
            let born: Date = born.trim().parse().ok()?;
            Some((name.trim().to_owned(), born))
        });
        Ok(Self(match dated {
            Some((name, born)) => RawSubject::Citizen { number, name, born },
            None => RawSubject::Organisation { number, name: rest.trim().to_owned() },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_is_told_in_one_argument() {
        let other = |text: &str| text.parse::<Other>().map(|Other(raw)| raw);
        let citizen = RawSubject::Citizen {
            number: "001199000013".to_owned(),
            name: "Nguyễn Thị Mẫu".to_owned(),
            born: "1999-01-01".parse().unwrap(),
        };
        assert_eq!(other("001199000013,Nguyễn Thị Mẫu, 1999-01-01"), Ok(citizen));
        let organisation = RawSubject::Organisation {
            number: "0100109106".to_owned(),
            name: "Công ty Mẫu, chi nhánh 2".to_owned(),
        };
        assert_eq!(other("0100109106,Công ty Mẫu, chi nhánh 2"), Ok(organisation));
        assert!(!other("001199000013").unwrap_err().contains("0011"));
    }
}
