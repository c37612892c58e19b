//! What the log begins with: who is starting, with which configuration, and a picture for people who watch.

use std::io::IsTerminal as _;

use config::Config;

use crate::invocation::{COMMIT, PROGRAM, VERSION};

/// Lines about the start.
pub(crate) fn starting() {
    journal::notice!("oO0OoO0OoO0Oo Evenkeel is starting oO0OoO0OoO0Oo");
    journal::notice!(
        "Evenkeel version={VERSION}, bits={}, commit={COMMIT}, modified=0, pid={}, just started",
        usize::BITS,
        std::process::id()
    );
}

/// The picture, if somebody looks at it, or else one line.
pub(crate) fn running(config: &Config) {
    let watched = !config.logging.syslog && config.logging.file.is_none() && std::io::stdout().is_terminal();
    if watched || config.process.always_show_logo {
        journal::raw(picture(config).as_bytes());
    } else {
        journal::notice!("Running mode=standalone, port={}.", config.network.port);
    }
}

fn picture(config: &Config) -> String {
    let reactors = config.threads.reactors;
    format!(
        r"
                |\
                | \
                |  \            {PROGRAM} ({COMMIT}/0) {bits} bit
                |   \
                |    \          Running in standalone mode
                |_____\         Port: {port}
        ________|_______        PID: {pid}
        \  o  o  o  o  /        Reactors: {reactors}
   ~~~~~~\~~~~~~~~~~~~/~~~~~~
          \__________/          saves without fork
              |__|

",
        bits = usize::BITS,
        port = config.network.port,
        pid = std::process::id(),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_picture_names_the_port() {
        assert!(super::picture(&config::Config::default()).contains("Port: 6379\n"));
    }
}
