//! Commands that have to be enabled in the configuration: DEBUG and MODULE.

use config::Access;

use crate::error::Error;
use crate::session::Session;
use crate::table::Registered;

/// Whether this client may use a protected command.
pub(crate) fn check(
    config: &config::Config,
    session: &Session,
    registered: &Registered,
) -> Result<(), Error> {
    let name = registered.full_name.split('|').next().unwrap_or_default();
    let (access, option) = match name {
        "module" => (config.security.module_command, "enable-module-command"),
        _ => (config.security.debug_command, "enable-debug-command"),
    };
    let allowed = match access {
        Access::Yes => true,
        Access::Local => session.client.is_local,
        Access::No => false,
    };
    if allowed {
        return Ok(());
    }
    Err(Error::new(format!(
        "ERR {} command not allowed. If the {option} option is set to \"local\", you can run it from a local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
        name.to_ascii_uppercase(),
    )))
}
