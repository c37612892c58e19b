//! Turns command-line arguments into what they ask for, by redis-server's rules.
//!
//! It reads no file and prints nothing: the binary carries out what [`CommandLine`] says.
//!
//! ```text
//! evenkeel [file] [-] [--option [value ...]] ... [-]
//! ```
//!
//! A first argument without a leading dash is the file. A lone `-` as first or last argument asks for more
//! configuration from standard input. Everything else becomes lines of configuration: `--name` starts a line, what follows up to
//! the next `--name` are its values, quoted. The first value after `--name` is taken as it is, even if it begins with
//! two dashes. `--save` without a value means `--save ""`.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;

use crate::settings::bytes_to_path;
use crate::words;

/// What the arguments ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// Print the version.
    Version,
    /// Print how to use the program.
    Help,
    /// `--test-memory`: not a thing this program does.
    TestMemory,
    /// `--check-system`: look at the system and say what is wrong.
    CheckSystem,
    /// `--sentinel`: not a thing this program is.
    Sentinel,
    /// Serve.
    Serve {
        /// The configuration file.
        file: Option<PathBuf>,
        /// Read more configuration from standard input.
        stdin: bool,
        /// Lines of configuration made from options.
        options: Vec<u8>,
    },
}

/// Reads the arguments after the program's name.
#[must_use]
pub fn parse_command_line(arguments: &[OsString]) -> CommandLine {
    let arguments: Vec<&[u8]> = arguments.iter().map(|argument| argument.as_bytes()).collect();
    match arguments.as_slice() {
        [b"-v" | b"--version"] => return CommandLine::Version,
        [b"-h" | b"--help"] => return CommandLine::Help,
        [b"--test-memory", ..] => return CommandLine::TestMemory,
        [b"--check-system"] => return CommandLine::CheckSystem,
        all if all.iter().any(|argument| argument.eq_ignore_ascii_case(b"--sentinel")) => {
            return CommandLine::Sentinel;
        }
        _ => {}
    }
    let (file, rest) = match arguments.split_first() {
        Some((first, rest)) if !first.starts_with(b"-") => (Some(bytes_to_path(first)), rest),
        _ => (None, arguments.as_slice()),
    };
    let mut stdin = false;
    let mut options = Vec::new();
    // True where an argument with two dashes starts a new line, false where it is the value of the line before.
    let mut name_may_start = true;
    for (place, argument) in rest.iter().enumerate() {
        let first_or_last = (place == 0 && file.is_none()) || place + 1 == rest.len();
        if *argument == b"-" && first_or_last {
            stdin = true;
        } else if name_may_start && let Some(name) = argument.strip_prefix(b"--") {
            if !options.is_empty() {
                options.push(b'\n');
            }
            options.extend(name);
            options.push(b' ');
            // An argument such as "--port 6380" brings its value along.
            let value_follows = words::split(argument).is_some_and(|words| words.len() == 1);
            let next = rest.get(place + 1);
            let save_alone = value_follows
                && argument.eq_ignore_ascii_case(b"--save")
                && next.is_none_or(|next| next.starts_with(b"--"));
            if save_alone {
                options.extend(b"\"\"");
            }
            name_may_start = !value_follows || save_alone;
        } else {
            words::quote(argument, &mut options);
            options.push(b' ');
            name_may_start = true;
        }
    }
    CommandLine::Serve { file, stdin, options }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> CommandLine {
        let arguments: Vec<OsString> = arguments.iter().map(OsString::from).collect();
        parse_command_line(&arguments)
    }

    fn check(arguments: &[&str], file: Option<&str>, stdin: bool, options: &str) {
        let expected =
            CommandLine::Serve { file: file.map(PathBuf::from), stdin, options: options.as_bytes().to_vec() };
        assert_eq!(parse(arguments), expected, "{arguments:?}");
    }

    #[test]
    fn words_become_lines() {
        check(&[], None, false, "");
        check(&["a.conf"], Some("a.conf"), false, "");
        check(
            &["--port", "6380", "--loglevel", "verbose"],
            None,
            false,
            "port \"6380\" \nloglevel \"verbose\" ",
        );
        check(&["a.conf", "--port", "6380"], Some("a.conf"), false, "port \"6380\" ");
        check(&["--save", "900", "1", "--port", "1"], None, false, "save \"900\" \"1\" \nport \"1\" ");
        check(&["--port 6380", "--loglevel", "x"], None, false, "port 6380 \nloglevel \"x\" ");
        check(&["-x"], None, false, "\"-x\" ");
    }

    #[test]
    fn save_may_stand_alone() {
        check(&["--save"], None, false, "save \"\"");
        check(&["--save", "--port", "1"], None, false, "save \"\"\nport \"1\" ");
        check(&["--save", "", "--port", "1"], None, false, "save \"\" \nport \"1\" ");
    }

    #[test]
    fn a_value_may_look_like_an_option() {
        check(&["--loglevel", "--save"], None, false, "loglevel \"--save\" ");
        check(&["--requirepass", "--x", "--port", "1"], None, false, "requirepass \"--x\" \nport \"1\" ");
    }

    #[test]
    fn standard_input() {
        check(&["-"], None, true, "");
        check(&["-", "--port", "1"], None, true, "port \"1\" ");
        check(&["--port", "1", "-"], None, true, "port \"1\" ");
        check(&["a.conf", "-"], Some("a.conf"), true, "");
        check(&["a.conf", "-", "--port", "1"], Some("a.conf"), false, "\"-\" \nport \"1\" ");
    }

    #[test]
    fn special_requests() {
        assert_eq!(parse(&["-v"]), CommandLine::Version);
        assert_eq!(parse(&["--version"]), CommandLine::Version);
        assert_eq!(parse(&["--help"]), CommandLine::Help);
        assert_eq!(parse(&["--check-system"]), CommandLine::CheckSystem);
        assert_eq!(parse(&["--test-memory", "100"]), CommandLine::TestMemory);
        assert_eq!(parse(&["a.conf", "--sentinel"]), CommandLine::Sentinel);
    }
}
