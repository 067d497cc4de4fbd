//! The address of a PostgreSQL database, password and all.

use std::fmt;
use std::str::FromStr;

use sqlx::any::AnyConnectOptions;
use sqlx::postgres::PgConnectOptions;

/// The address of a PostgreSQL database:
/// `postgres://user:password@host:5432/database?sslmode=verify-full&sslrootcert=/etc/…`.
///
/// User, host and database must be named. Without `sslmode` it is `verify-full`, but on this very
/// machine, where it is `disable`. It holds a password, so it is never shown.
#[derive(Clone)]
pub struct PostgresUrl(AnyConnectOptions);

/// What is wrong with an address of a database. It never quotes the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("database url: {0}")]
pub struct PostgresUrlError(&'static str);

/// What may follow the question mark.
const KNOWN: [&str; 4] = ["sslmode", "sslrootcert", "sslcert", "sslkey"];

/// How the program calls itself to the server.
const NAME: &str = "sohoa";

impl PostgresUrl {
    /// For pools of whichever engine.
    pub(super) fn options(&self) -> AnyConnectOptions {
        self.0.clone()
    }

    /// For whoever needs PostgreSQL itself.
    pub(super) fn text(&self) -> &str {
        self.0.database_url.as_str()
    }
}

impl FromStr for PostgresUrl {
    type Err = PostgresUrlError;

    fn from_str(text: &str) -> Result<Self, PostgresUrlError> {
        let wrong = |what| Err(PostgresUrlError(what));
        let Ok(mut options) = text.parse::<AnyConnectOptions>() else {
            return wrong("it is no url");
        };
        let url = &mut options.database_url;
        if !matches!(url.scheme(), "postgres" | "postgresql") {
            return wrong("it must begin with postgres://");
        }
        let Some(host) = url.host_str().filter(|host| !host.is_empty()).map(str::to_owned) else {
            return wrong("it names no host");
        };
        if url.username().is_empty() {
            return wrong("it names no user");
        }
        if url.path().trim_matches('/').is_empty() {
            return wrong("it names no database");
        }
        let mut named = Vec::new();
        for (key, _) in url.query_pairs() {
            if !KNOWN.contains(&&*key) {
                return wrong("only sslmode, sslrootcert, sslcert and sslkey may follow it");
            }
            named.push(key.into_owned());
        }
        if !named.iter().any(|key| key == "sslmode") {
            let here = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
            let mode = if here { "disable" } else { "verify-full" };
            url.query_pairs_mut().append_pair("sslmode", mode);
        }
        url.query_pairs_mut().append_pair("application_name", NAME);
        if url.as_str().parse::<PgConnectOptions>().is_err() {
            return wrong("its sslmode or an escape in it can't be understood");
        }
        Ok(Self(options))
    }
}

impl fmt::Debug for PostgresUrl {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str("PostgresUrl(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_leaves_something_open_is_refused_and_never_quoted() {
        for bad in [
            "",
            "sohoa",
            "mysql://u:geheim@h/d",
            "postgres:///d?host=h&user=u",
            "postgres://h/d",
            "postgres://u:geheim@h",
            "postgres://u:geheim@h/d?options=-c%20fsync%3Doff",
            "postgres://u:geheim@h/d?sslmode=perhaps",
        ] {
            let error = bad.parse::<PostgresUrl>().unwrap_err();
            assert!(!format!("{error} {error:?}").contains("geheim"), "{bad}");
        }
    }

    #[test]
    fn a_password_is_never_shown_and_tls_is_on_but_on_this_machine() {
        let url: PostgresUrl = "postgres://u:geheim@db.example/d".parse().unwrap();
        assert!(!format!("{url:?}").contains("geheim"));
        assert!(url.text().contains("sslmode=verify-full"));
        let here: PostgresUrl = "postgres://u:geheim@127.0.0.1:25432/d".parse().unwrap();
        assert!(here.text().contains("sslmode=disable"));
        let told: PostgresUrl = "postgres://u@127.0.0.1/d?sslmode=require".parse().unwrap();
        assert!(told.text().contains("sslmode=require") && !told.text().contains("disable"));
    }
}
