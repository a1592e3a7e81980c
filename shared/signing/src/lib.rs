//! Signatures of deliveries, the secrets they are made with, and secrets at rest.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mac`] | the three signatures a delivery carries |
//! | [`secret`] | a webhook's secret: parsing a client's own, generating ours |
//! | [`verify`] | what a receiver checks, as a library function |
//! | [`api_key`] | API keys: making them, reading them, what is kept of them |
//! | [`keyring`] | AES-256-GCM of single fields, with keys that can be rotated |
//! | [`fields`] | every field that is sealed, in which table and where in its items |
//!
//! Whoever receives deliveries in Rust needs [`verify::verify`] and nothing else of this crate:
//!
//! ```
//! use aragora_signing::secret::WebhookSecret;
//! use aragora_signing::verify::{Delivery, Scheme, verify};
//!
//! /// Whether a delivery is genuine, else which check failed. `header` finds a header by its
//! /// lower-case name, `body` is the bytes as they came, `now` is the clock in unix seconds.
//! fn check<'h>(
//!     header: impl Fn(&str) -> Option<&'h str>,
//!     body: &[u8],
//!     now: i64,
//! ) -> Result<(), &'static str> {
//!     let secret = WebhookSecret::parse("your-hmac-secret").map_err(|_| "no_secret")?;
//!     let delivery =
//!         Delivery { body, secrets: &[secret], now_unix_seconds: now, max_age_seconds: 300 };
//!     verify(Scheme::Timestamped, header, &delivery).map_err(|failure| failure.as_str())
//! }
//!
//! let header = |name: &str| {
//!     let signature = "t=1705752000,\
//!         v1=4931932f5721bd420aee0b4dc76964c64386a3ca78d8b0c65fc82ee5b284e703";
//!     (name == "x-aragora-signature-timestamped").then_some(signature)
//! };
//! assert_eq!(check(header, b"{}", 1_705_752_010), Ok(()));
//! assert_eq!(check(header, b"[]", 1_705_752_010), Err("mismatch"));
//! assert_eq!(check(header, b"{}", 1_705_752_301), Err("too_old"));
//! assert_eq!(check(|_| None, b"{}", 1_705_752_010), Err("header_missing"));
//! ```
//!
//! No I/O but the operating system's random bytes, no clock: callers pass the time.

pub mod api_key;
pub mod fields;
pub mod keyring;
pub mod mac;
pub mod secret;
pub mod verify;
