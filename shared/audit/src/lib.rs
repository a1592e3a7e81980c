//! Security happenings: reported, kept, told, read and verified.
//!
//! [`reporter`] is what functions report with, [`worker`] appends what was reported to the log of
//! its organisation and publishes it, [`desk`] answers questions about the log. The rules are
//! [`aragora_core::audit`].

pub mod desk;
pub mod reporter;
pub mod worker;

pub use reporter::Reporter;
