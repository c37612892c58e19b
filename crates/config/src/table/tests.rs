//! Loops over the whole option table: what must hold for every row.

use super::*;
use crate::option::{Kind, Support};
use crate::settings::{Settings, default_value};
use crate::words;

#[test]
fn names_are_unique_sorted_and_small() {
    let mut seen = std::collections::HashSet::new();
    for (theme, options) in THEMES {
        assert!(
            options.is_sorted_by_key(|spec| spec.name),
            "{theme} is not sorted: {:?}",
            first_unsorted(options)
        );
        for spec in options {
            for name in std::iter::once(&spec.name).chain(spec.aliases) {
                assert!(seen.insert(*name), "{name} appears twice");
                assert_eq!(*name, name.to_ascii_lowercase());
                assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)));
            }
        }
    }
    assert!(options().is_sorted_by_key(|spec| spec.name));
    assert_eq!(options().len(), THEMES.iter().map(|(_, rows)| rows.len()).sum::<usize>());
}

fn first_unsorted(options: &[OptionSpec]) -> Option<&'static str> {
    options.windows(2).find(|pair| pair[0].name > pair[1].name).map(|pair| pair[1].name)
}

#[test]
fn every_row_is_documented() {
    for spec in options() {
        assert!(spec.about.len() > 10 && spec.about.ends_with('.'), "{}: {}", spec.name, spec.about);
        match spec.support {
            Support::Works => {}
            Support::Noted(line) | Support::Refused(line) => {
                assert!(line.len() > 10 && !line.ends_with('.') && !line.contains('\n'), "{}", spec.name);
            }
        }
    }
}

#[test]
fn every_row_is_found_by_all_its_names_in_any_case() {
    for option in ids() {
        for name in std::iter::once(&option.spec().name).chain(option.spec().aliases) {
            assert_eq!(find(name.as_bytes()), Some(option));
            assert_eq!(find(name.to_ascii_uppercase().as_bytes()), Some(option));
        }
    }
    assert_eq!(find(b"no-such-option"), None);
    assert_eq!(find(b"\xff"), None);
}

#[test]
fn every_default_parses_and_means_something() {
    for spec in options() {
        let _ = default_value(spec);
    }
    let config = crate::Config::default();
    assert_eq!(config.network.port, 6379);
    assert_eq!(config.snapshot.memory_budget_bytes, 64 << 20);
}

/// What CONFIG GET prints can be given back to CONFIG SET and to a file, and comes out the same.
#[test]
fn every_default_goes_round() {
    for option in ids() {
        let spec = option.spec();
        let mut settings = Settings::default();
        let before = settings.text(option);
        let words: Vec<&[u8]> =
            if spec.flags.multi { before.split(|byte| *byte == b' ').collect() } else { vec![&before] };
        let changed = settings.set(option, &words, crate::settings::Source::Live);
        assert_eq!(changed, Ok(false), "{}", spec.name);
        assert_eq!(settings.text(option), before, "{}", spec.name);
    }
}

/// A number's bounds are accepted and the numbers beside them refused, in Redis's words.
#[test]
fn bounds_are_kept() {
    let mut checked = 0;
    for option in ids() {
        let spec = option.spec();
        let Kind::Number { min, max, form: crate::Form::Plain } = spec.kind else { continue };
        if matches!(spec.support, Support::Refused(_)) || spec.rule.is_some() {
            continue;
        }
        let mut settings = Settings::default();
        let mut set = |number: i128| {
            settings.set(option, &[number.to_string().as_bytes()], crate::settings::Source::Live)
        };
        assert!(set(min).is_ok() && set(max).is_ok(), "{}", spec.name);
        for outside in [min - 1, max + 1] {
            if i64::try_from(outside).is_ok() {
                let expected = format!("argument must be between {min} and {max} inclusive");
                assert_eq!(set(outside), Err(expected), "{}", spec.name);
                checked += 1;
            }
        }
    }
    assert!(checked > 50, "{checked}");
}

/// Values far from the default survive being written to a file and read back.
#[test]
fn other_values_go_round_through_a_file() {
    for option in ids() {
        let spec = option.spec();
        let samples: Vec<String> = match spec.kind {
            Kind::Bool => vec!["yes".into(), "no".into()],
            Kind::Number { min, max, .. } => vec![min.to_string(), (max / 3).to_string()],
            Kind::Choice(words) => words.iter().map(|word| word.text.into()).collect(),
            Kind::Flags(_) => vec!["now".into(), "save force".into()],
            // Loading opens this file, and creates it.
            Kind::Text { .. } if spec.name == "logfile" => vec!["/dev/null".into()],
            Kind::Text { .. } => vec!["plain".into(), "quo\"ted".into(), "\n".into()],
            Kind::Directory => vec!["/".into(), "/tmp".into()],
            Kind::Save => vec!["\"\"".into(), "900 1".into(), "900 1 300 10".into()],
            Kind::OutputLimits => vec!["replica 1mb 2 3".into(), "normal 1 1 1 pubsub 2kb 2 2".into()],
            Kind::Events => vec!["KEA".into(), "Kgn".into()],
            Kind::Bind => vec!["\"\"".into(), "127.0.0.1 -::1".into()],
            Kind::OomValues => vec!["-5 6 7".into()],
            Kind::Percentiles => vec!["\"\"".into(), "1 99.999 100".into()],
            Kind::ReplicaOf => vec![],
        };
        for sample in samples {
            let mut settings = Settings::default();
            let arguments = match (spec.flags.multi, sample.as_str()) {
                (true, "\"\"") => vec![""],
                (true, sample) => sample.split(' ').collect(),
                (false, sample) => vec![sample],
            };
            let arguments: Vec<&[u8]> = arguments.iter().map(|word| word.as_bytes()).collect();
            if settings.set(option, &arguments, crate::settings::Source::Live).is_err() {
                let tolerated = spec.rule.is_some()
                    || matches!(spec.support, Support::Refused(_))
                    || matches!(spec.kind, Kind::Number { .. });
                assert!(tolerated, "{} refuses {sample}", spec.name);
                continue;
            }
            let text = crate::rewrite::rewritten(b"", &settings, crate::rewrite::Extent::Changed);
            let loaded = crate::Loader::load(None, None, &text);
            let loaded = loaded.unwrap_or_else(|error| panic!("{} {sample}: {error}", spec.name));
            assert_eq!(loaded.settings.value(option), settings.value(option), "{} {sample}", spec.name);
        }
    }
}

/// Whatever the words, setting an option gives an answer and never a panic.
#[test]
fn no_word_makes_a_row_panic() {
    let hostile: [&[u8]; 14] = [
        b"",
        b"-",
        b"-1",
        b"%",
        b"100%",
        b"1%",
        b"\xff\xfe",
        b"{",
        b"}",
        b"{title",
        b"no one",
        b"99999999999999999999999999999999999999999999999999",
        b"-9223372036854775808",
        b"0x",
    ];
    for option in ids() {
        for word in hostile {
            let mut settings = Settings::default();
            for words in [vec![], vec![word], vec![word; 2], vec![word; 3], vec![word; 4], vec![word; 20]] {
                if settings.set(option, &words, crate::settings::Source::Live).is_ok() {
                    let _ = crate::Config::from(&settings);
                }
            }
        }
    }
}

/// A refused option still takes its default, so that files that spell everything out load.
#[test]
fn refused_rows_take_their_default_and_nothing_else() {
    for option in ids() {
        let spec = option.spec();
        let Support::Refused(why) = spec.support else { continue };
        let other = match spec.kind {
            Kind::Bool => vec![if spec.default_words() == "yes" { "no" } else { "yes" }],
            Kind::Number { max, .. } if max < 2000 => vec!["7"],
            Kind::Number { .. } => vec!["65537"],
            Kind::ReplicaOf => vec!["host", "6379"],
            _ => vec!["other"],
        };
        let other: Vec<&[u8]> = match spec.name {
            "rdma-port" | "tls-port" => vec![b"7"],
            _ => other.iter().map(|word| word.as_bytes()).collect(),
        };
        let mut settings = Settings::default();
        assert_eq!(
            settings.set(option, &other, crate::settings::Source::File),
            Err(why.to_owned()),
            "{}",
            spec.name
        );
        let default = words::split(spec.default_words().as_bytes()).unwrap_or_default();
        let default: Vec<&[u8]> =
            if default.is_empty() { vec![b""] } else { default.iter().map(Vec::as_slice).collect() };
        assert!(settings.set(option, &default, crate::settings::Source::File).is_ok(), "{}", spec.name);
    }
}
