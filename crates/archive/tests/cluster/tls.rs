//! TLS to the database: the server's certificate is checked, against the authority that is named.

use std::fs;
use std::path::Path;
use std::process::Command;

use archive::{Archive, ArchiveError, Place};
use sqlx::{Executor, Row};

use crate::form::{Form, Server};

/// Makes an authority, and a certificate of its for this machine.
fn certify(dir: &Path, server: &Path) {
    let openssl = |args: &str| {
        let ran = Command::new("openssl").args(args.split(' ')).current_dir(dir).output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    };
    let new = "req -new -nodes -newkey ec -pkeyopt ec_paramgen_curve:prime256v1";
    for authority in ["ours", "theirs"] {
        let file = format!("-keyout {authority}.key -out {authority}.pem");
        openssl(&format!("{new} -x509 -days 2 -subj /CN={authority} {file}"));
    }
    openssl(&format!("{new} -subj /CN=db -keyout server.key -out server.csr"));
    fs::write(dir.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl(
        "x509 -req -days 2 -in server.csr -CA ours.pem -CAkey ours.key -CAcreateserial \
         -extfile names -out server.crt",
    );
    for file in ["server.crt", "server.key"] {
        // Into files of the server's own, so that it may read them.
        let own = server.join("PG_VERSION");
        let copied = Command::new("cp").arg("-p").arg(&own).arg(server.join(file)).status();
        assert!(copied.unwrap().success());
        fs::write(server.join(file), fs::read(dir.join(file)).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn a_server_is_believed_only_with_a_certificate_of_the_authority_that_is_named() {
    let server = Server::start("tls");
    let form = Form::copy(&server.url, "template0").await;
    certify(form.dir(), &server.data());
    let mut tool = form.tool().await;
    tool.execute("alter system set ssl = on").await.unwrap();
    tool.execute("select pg_reload_conf() is null").await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;

    let with = |authority: &str| {
        let file = form.dir().join(authority);
        let url = format!("{}?sslmode=verify-full&sslrootcert={}", form.url(), file.display());
        Place { database: Some(url.parse().unwrap()), ..form.place() }
    };
    Archive::migrate(&with("ours.pem")).await.unwrap();
    let archive = Archive::open(&with("ours.pem")).await.unwrap();
    archive.records.waiting().await.unwrap();
    let connected = "select count(*) as n from pg_stat_ssl join pg_stat_activity using (pid)
        where application_name = 'sohoa' and ssl";
    let row = sqlx::query(connected).fetch_one(&mut tool).await.unwrap();
    assert!(row.get::<i64, _>("n") >= 2, "readers and the listener");

    let error = Archive::open(&with("theirs.pem")).await.err().unwrap();
    assert!(matches!(error, ArchiveError::Unavailable { .. }), "{error:?}");
}
