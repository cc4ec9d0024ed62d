//! Programs that reach nobody: what a throw-away server runs may be of the backup.

use crate::process::ToolSpec;

/// Runs its arguments without a network, where the system lets an ordinary user have that.
const WITHOUT_NETWORK: &str = "unshare --map-current-user --net true 2>/dev/null && \
exec unshare --map-current-user --net \"$@\"; exec \"$@\"";

/// `program`, run without a network; arguments are added to it as to any other.
pub(super) fn without_network(program: String, label: &str) -> ToolSpec {
    let mut tool = ToolSpec::new("sh").arg("-c").args([WITHOUT_NETWORK, "sh"]).arg(program);
    label.clone_into(&mut tool.label);
    tool
}
