//! A blob's bytes on their way out, wherever they come from.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, ReadBuf};

/// A blob to stream from; its bytes are not checked.
pub struct BlobReader(Pin<Box<dyn AsyncRead + Send>>);

impl BlobReader {
    pub(super) fn new(from: impl AsyncRead + Send + 'static) -> Self {
        Self(Box::pin(from))
    }
}

impl AsyncRead for BlobReader {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.0.as_mut().poll_read(context, buffer)
    }
}
