//! The jail that `sohoa-reader` shuts itself in. Beside the program, so that tests can shut
//! something in that wants out.

pub mod jail;
