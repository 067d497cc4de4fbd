//! A rolling upgrade: programs of the release before work beside those of this one, on a database
//! that this one has migrated. `make rolling OLDER=COMMIT` builds the older ones and runs this.

use std::path::PathBuf;

use schemas::api::{ComponentStatus, Requirements};
use schemas::ids::ComponentId;
use serde_json::json;
use tests::{Cluster, Story, raw};

/// The case of residence registration that the sample is about.
const WITH_FAMILY: &str = "dang-ky-thuong-tru-tai-cho-o-hop-phap-khong-57cf1af3";

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs programs of the release before: make rolling OLDER=COMMIT"]
async fn the_release_before_works_beside_this_one_whoever_takes_in() {
    let older = std::env::var_os("SOHOA_OLDER").map(PathBuf::from).unwrap();
    let mut cluster = Cluster::start().await;
    let story = Story::told("thuong-tru");
    let opening = story.opening(Some(WITH_FAMILY));
    let mut told: Vec<Vec<Option<ComponentId>>> = Vec::new();
    for takes_in in [true, false] {
        cluster.put_beside(&older, takes_in);
        let view = cluster.put_through(&opening, &story.scans()).await;
        assert_eq!((view.pages.waiting, view.pages.parked), (0, 0));
        told.push(view.documents.into_iter().map(|document| document.component).collect());

        let asked = json!({
            "procedure": "1.004222",
            "case": WITH_FAMILY,
            "subject": raw(&story.dossier.subject),
            "purpose": "Đăng ký thường trú",
        });
        let asked: Requirements = cluster.post("/v1/requirements", &asked).await;
        let family = asked.components.iter().find(|one| one.id.as_str() == "1.004222-TP07");
        assert_eq!(family.unwrap().status, ComponentStatus::Held);
    }
    assert_eq!(told[0], told[1], "both sort alike");
    assert_eq!(cluster.check()["check"]["findings"], json!([]));
}
