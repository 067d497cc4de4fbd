//! Electronic signatures: CMS signed data (RFC 5652) made and checked, the time stamps in it
//! (RFC 3161), and whether a certificate leads to somebody who is trusted.
//!
//! Whoever signs is a [`Signer`]: a key in a file here ([`SoftKey`]), one on a token or in a
//! hardware module elsewhere. What is signed is a detached hash; where in a PDF it stands is said
//! by `sealing`, and which bytes a found signature covers by [`ranges`].

mod make;
mod own;
mod soft;
mod stamp;

mod cms;
mod path;
mod ranges;

mod hash;

pub use cms::{Signed, look};
pub use hash::sha256;
pub use make::{Chain, SignFailed, Signature, Signer, detached, sign};
pub use own::OwnKey;
pub use path::{Roots, Trust};
pub use ranges::{ByteRange, MAX_CONTENTS, moment, ranges};
pub use soft::SoftKey;
pub use stamp::{Stamped, stamp_of};
