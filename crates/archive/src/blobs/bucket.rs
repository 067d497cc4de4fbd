//! Blobs as objects `PREFIXblobs/ab/cdef…` of a bucket. An object under its name is whole and
//! durable: a store shows nothing of an upload before it has all of it.
//!
//! Names are hashes, so whoever writes one twice writes the same. That, and not a store's
//! `If-None-Match` (some overlook it), is what makes a blob be written once.

mod client;
mod trouble;
mod upload;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::primitives::ByteStream;
use schemas::ids::Blake3;

use super::Blobs;
use super::reader::BlobReader;
use super::store::{Patience, Store};
use crate::error::ArchiveError;
use trouble::Asking;

pub use trouble::StoreTrouble;
pub(super) use upload::Source;

/// A bucket. Cheap to clone.
#[derive(Clone)]
pub(super) struct Bucket {
    client: Client,
    store: Arc<Store>,
}

impl Bucket {
    pub(super) async fn open(store: &Store) -> Result<Self, ArchiveError> {
        Ok(Self { client: client::of(store).await?, store: Arc::new(store.clone()) })
    }

    pub(super) async fn ready(&self) -> Result<(), ArchiveError> {
        let head = self.client.head_bucket().bucket(&self.store.bucket);
        let once = self.timeouts(0).to_builder().operation_timeout(self.patience().attempt(0));
        let config = aws_sdk_s3::config::Builder::new().timeout_config(once.build());
        head.customize().config_override(config).send().await.asking("looking at the store")?;
        Ok(())
    }

    /// Sends what was received, which is so long; when this returns it is kept: true where a blob
    /// of that name wasn't there. `blobs` are those of this bucket, and can read it.
    pub(super) async fn keep(
        &self,
        key: Blake3,
        from: Source<'_>,
        len: u64,
        blobs: &Blobs,
    ) -> Result<bool, ArchiveError> {
        upload::keep(self, key, from, len, blobs).await
    }

    /// A connection may break while the bytes come, which the client does not try again.
    pub(super) async fn get(&self, key: Blake3) -> Result<Vec<u8>, ArchiveError> {
        let mut attempt = 1;
        loop {
            let (body, len) = self.fetch(key).await?;
            let collecting = tokio::time::timeout(self.patience().attempt(len), body.collect());
            let source: Box<dyn std::error::Error + Send + Sync> = match collecting.await {
                Ok(Ok(bytes)) => return Ok(bytes.to_vec()),
                Ok(Err(error)) => error.into(),
                Err(elapsed) => elapsed.into(),
            };
            if attempt >= self.patience().attempts {
                return Err(ArchiveError::Unavailable { what: "reading a blob", source });
            }
            attempt += 1;
        }
    }

    pub(super) async fn reader(&self, key: Blake3) -> Result<(BlobReader, u64), ArchiveError> {
        let (body, len) = self.fetch(key).await?;
        Ok((BlobReader::new(body.into_async_read()), len))
    }

    async fn fetch(&self, key: Blake3) -> Result<(ByteStream, u64), ArchiveError> {
        let asked = self.client.get_object().bucket(&self.store.bucket).key(self.name(key));
        let got = match asked.send().await {
            // Only this one: a bucket that isn't there answers 404 too.
            Err(error) if error.as_service_error().is_some_and(|e| e.is_no_such_key()) => {
                return Err(ArchiveError::Missing(format!("blob {key}")));
            }
            got => got.asking("reading a blob")?,
        };
        let len = got.content_length().and_then(|len| u64::try_from(len).ok()).unwrap_or(0);
        Ok((got.body, len))
    }

    pub(super) async fn contains(&self, key: Blake3) -> Result<bool, ArchiveError> {
        Ok(self.look(key).await?.is_some())
    }

    pub(super) async fn list(&self) -> Result<Vec<Blake3>, ArchiveError> {
        let start = format!("{}blobs/", self.store.prefix);
        let asked = self.client.list_objects_v2().bucket(&self.store.bucket).prefix(&start);
        let (mut pages, mut found) = (asked.into_paginator().send(), Vec::new());
        while let Some(page) = pages.next().await {
            for object in page.asking("listing the blobs")?.contents() {
                found.extend(object.key().and_then(|name| self.key(name)));
            }
        }
        Ok(found)
    }

    /// Asks once: of several attempts a late one might be carried out after the answer to another.
    pub(super) async fn remove(&self, key: Blake3) -> Result<(), ArchiveError> {
        let asked = self.client.delete_object().bucket(&self.store.bucket).key(self.name(key));
        let once = aws_sdk_s3::config::Builder::new().retry_config(RetryConfig::disabled());
        asked.customize().config_override(once).send().await.asking("removing a blob")?;
        Ok(())
    }

    pub(super) async fn age_seconds(&self, key: Blake3) -> Result<u64, ArchiveError> {
        Ok(self.seen(key).await?.age.as_secs())
    }

    pub(super) async fn stored(&self, key: Blake3) -> Result<u64, ArchiveError> {
        Ok(self.seen(key).await?.len)
    }

    async fn seen(&self, key: Blake3) -> Result<Seen, ArchiveError> {
        self.look(key).await?.ok_or_else(|| ArchiveError::Missing(format!("blob {key}")))
    }

    /// Names of uploads that nobody is sending any more: `HASH/UPLOAD`.
    pub(super) async fn abandoned(&self) -> Result<Vec<String>, ArchiveError> {
        let asked = self.client.list_multipart_uploads().bucket(&self.store.bucket);
        let asked = asked.prefix(format!("{}blobs/", self.store.prefix));
        let (mut found, mut marks) = (Vec::new(), (None, None));
        loop {
            let (key, upload) = marks;
            let page = asked.clone().set_key_marker(key).set_upload_id_marker(upload).send().await;
            let page = page.asking("listing uploads")?;
            for upload in page.uploads() {
                let begun = upload.initiated().and_then(|at| SystemTime::try_from(*at).ok());
                if begun.is_some_and(|begun| age(begun) >= self.patience().abandoned)
                    && let Some(key) = upload.key().and_then(|name| self.key(name))
                    && let Some(id) = upload.upload_id()
                {
                    found.push(format!("{key}/{id}"));
                }
            }
            if page.is_truncated() != Some(true) {
                return Ok(found);
            }
            marks = (page.next_key_marker, page.next_upload_id_marker);
        }
    }

    pub(super) async fn clear(&self, upload: &str) -> Result<(), ArchiveError> {
        let gone = || ArchiveError::Missing(format!("upload {upload}"));
        let (key, id) = upload.split_once('/').ok_or_else(gone)?;
        let key = key.parse::<Blake3>().map_err(|_| gone())?;
        upload::abort(self, key, id).await
    }

    async fn look(&self, key: Blake3) -> Result<Option<Seen>, ArchiveError> {
        let asked = self.client.head_object().bucket(&self.store.bucket).key(self.name(key));
        let seen = match asked.send().await {
            Err(error) if error.as_service_error().is_some_and(|e| e.is_not_found()) => {
                return Ok(None);
            }
            seen => seen.asking("looking for a blob")?,
        };
        let written = seen.last_modified().and_then(|at| SystemTime::try_from(*at).ok());
        let len = seen.content_length().and_then(|len| u64::try_from(len).ok()).unwrap_or(0);
        Ok(Some(Seen { len, age: written.map_or(Duration::ZERO, age) }))
    }

    fn name(&self, key: Blake3) -> String {
        let name = key.to_string();
        let (shard, rest) = name.split_at(2);
        format!("{}blobs/{shard}/{rest}", self.store.prefix)
    }

    /// The hash that an object's name says, if it is one of ours.
    fn key(&self, name: &str) -> Option<Blake3> {
        let name = name.strip_prefix(&self.store.prefix)?.strip_prefix("blobs/")?;
        let (shard, rest) = name.split_once('/')?;
        format!("{shard}{rest}").parse().ok()
    }

    pub(super) fn patience(&self) -> Patience {
        self.store.patience
    }

    /// Limits for sending so many bytes.
    fn timeouts(&self, bytes: u64) -> TimeoutConfig {
        client::timeouts(&self.store, bytes)
    }
}

/// An object as it is seen from outside.
struct Seen {
    len: u64,
    age: Duration,
}

fn age(written: SystemTime) -> Duration {
    written.elapsed().unwrap_or_default()
}
