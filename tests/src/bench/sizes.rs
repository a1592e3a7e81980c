//! How large each function is, as a binary and as the zip that is deployed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

/// The same library that packs the zips of the local stack, at its default level.
const SCRIPT: &str = "
import io, json, os, sys, zipfile
def sizes(path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, 'w', zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, 'bootstrap')
    return {'binary_bytes': os.path.getsize(path), 'zip_bytes': buffer.tell()}
json.dump({os.path.basename(path): sizes(path) for path in sys.argv[1:]}, sys.stdout)
";

/// The size of one function.
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Size {
    /// Of the binary.
    pub binary_bytes: u64,
    /// Of the zip.
    pub zip_bytes: u64,
}

/// The size of each function.
///
/// # Panics
/// When one cannot be read, or there is no `python3`.
pub fn measure(names: &[String], binaries: &Path) -> BTreeMap<String, Size> {
    let paths = names.iter().map(|name| binaries.join(name));
    let output =
        Command::new("python3").args(["-c", SCRIPT]).args(paths).output().expect("python3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("sizes by name")
}
