//! Builds the name of the process from `proc-title-template`. It sets nothing (`restart` does).

use config::Config;

/// The name for a program that was called `program`, with blanks at the end cut off.
pub(crate) fn title(config: &Config, program: &str, config_file: Option<&std::path::Path>) -> String {
    let mut title = String::new();
    let mut rest = config.process.title_template.as_str();
    while let Some((before, after)) = rest.split_once('{') {
        title.push_str(before);
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        title.push_str(&variable(name, config, program, config_file));
        rest = after;
    }
    title.push_str(rest);
    title.trim_end().replace('\0', "")
}

fn variable(name: &str, config: &Config, program: &str, config_file: Option<&std::path::Path>) -> String {
    let socket = config.network.unix_socket.as_ref().map(|path| path.display().to_string());
    match name {
        "title" => program.to_owned(),
        "listen-addr" => match (config.network.port, socket) {
            (0, Some(socket)) => socket,
            (port, _) => {
                let first = config.network.bind.first().map_or("*", |bind| bind.address.as_str());
                format!("{first}:{port}")
            }
        },
        "port" => config.network.port.to_string(),
        "tls-port" => "0".to_owned(),
        "unixsocket" => socket.unwrap_or_default(),
        "config-file" => config_file.map(|path| path.display().to_string()).unwrap_or_default(),
        // "server-mode": empty unless a Sentinel or a cluster node, which this server is not.
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(lines: &str, expected: &str) {
        let loaded = config::Loader::load(None, None, lines.as_bytes()).expect("fine lines");
        let config = Config::from(&loaded.settings);
        assert_eq!(title(&config, "evenkeel", Some(std::path::Path::new("/a.conf"))), expected, "{lines}");
    }

    /// Compared with what `ps` shows of redis-server 7.0.
    #[test]
    fn titles() {
        check("", "evenkeel *:6379");
        check("bind 127.0.0.1 ::1\nport 7000", "evenkeel 127.0.0.1:7000");
        check("port 0\nunixsocket /tmp/x", "evenkeel /tmp/x");
        check(
            "proc-title-template \"{title} {port}/{tls-port} {config-file}{unixsocket}!\"",
            "evenkeel 6379/0 /a.conf!",
        );
    }
}
