//! The shape of one row of the option table: name, kind, bounds, default, flags, and what this server does with it.
//!
//! It holds no row (`table` does) and no value (`value`, `settings`).

use crate::choices::Word;
use crate::value::Value;

/// One option: a row of the table.
#[derive(Clone, Copy)]
pub struct OptionSpec {
    /// The name that CONFIG GET, REWRITE and the sample file use.
    pub name: &'static str,
    /// Older names that mean the same; CONFIG GET lists them as rows of their own.
    pub aliases: &'static [&'static str],
    /// What values it takes.
    pub kind: Kind,
    /// The default in the words of a configuration file.
    pub default: DefaultText,
    /// When it may be set and how it is shown.
    pub flags: Flags,
    /// What this server does with it.
    pub support: Support,
    /// Values other than the default that ask for nothing special, and so are set without a note.
    pub harmless: &'static [&'static str],
    /// The unit of a number, in the plural ("seconds"); empty where there is none.
    pub unit: &'static str,
    /// Explanation for the sample file and the manual: what it does, in whole sentences.
    pub about: &'static str,
    /// A check or rounding that bounds cannot express.
    pub(crate) rule: Option<Rule>,
}

/// A check of a value whose kind and bounds are right: the value to keep, or Redis's error text.
pub(crate) type Rule = fn(Value) -> Result<Value, String>;

/// The default value of an option.
#[derive(Clone, Copy)]
pub enum DefaultText {
    /// Fixed words, as one would write them after the option's name.
    Fixed(&'static str),
    /// Depends on the machine: how to work it out, and what to say in the sample file.
    Machine(fn() -> String, &'static str),
}

/// What values an option takes.
#[derive(Clone, Copy)]
pub enum Kind {
    /// `yes` or `no`.
    Bool,
    /// A number within bounds, both included.
    Number {
        /// Smallest allowed.
        min: i128,
        /// Largest allowed.
        max: i128,
        /// How it is spelled.
        form: Form,
    },
    /// One of these words.
    Choice(&'static [Word]),
    /// Any of these words, as separate arguments.
    Flags(&'static [Word]),
    /// Bytes; with `nullable` an empty text means "not set" and leaves no line behind in a rewritten file.
    Text {
        /// See above.
        nullable: bool,
    },
    /// The working directory; reads back as an absolute path.
    Directory,
    /// `save`: pairs of seconds and changes.
    Save,
    /// `client-output-buffer-limit`: class, hard limit, soft limit, soft seconds, repeated.
    OutputLimits,
    /// `notify-keyspace-events`: letters for classes of events.
    Events,
    /// `bind`: addresses, with a `-` in front where a missing one is no error.
    Bind,
    /// `oom-score-adj-values`: three numbers.
    OomValues,
    /// `latency-tracking-info-percentiles`: numbers from 0 to 100.
    Percentiles,
    /// `replicaof`: host and port, or `no one`.
    ReplicaOf,
}

/// How a number is spelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Decimal.
    Plain,
    /// Octal, as file modes are.
    Octal,
    /// Bytes, with an optional unit (`100mb`).
    Memory,
    /// Bytes, or a percentage of `maxmemory` (`5%`).
    MemoryOrPercent,
}

/// When an option may be set and how it is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// Only at start: CONFIG SET refuses it.
    pub immutable: bool,
    /// Takes several arguments in a file; CONFIG SET splits its one argument at blanks.
    pub multi: bool,
    /// CONFIG SET needs `enable-protected-configs`.
    pub protected: bool,
    /// A secret: kept out of the slow log, MONITOR and logs.
    pub sensitive: bool,
    /// Answered only when asked for by its exact name.
    pub hidden: bool,
    /// Shown in a crash report: it helps to understand one.
    pub debug: bool,
    /// CONFIG SET answers LOADING while the data set is being loaded.
    pub not_while_loading: bool,
    /// CONFIG SET acts even if the value is the same as before (a certificate file may have new content).
    pub volatile: bool,
}

/// What this server does with an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does what its text says.
    Works,
    /// It is kept and answered, but a value other than the default has no effect, or less than elsewhere: this
    /// line says what to expect. It is logged when such a value is set, unless it is among `harmless`.
    Noted(&'static str),
    /// Only the default can be set. Anything else asks for something that is not there, and is refused with this line
    /// at start and by CONFIG SET.
    Refused(&'static str),
}

impl OptionSpec {
    const fn new(name: &'static str, kind: Kind, default: &'static str, about: &'static str) -> Self {
        OptionSpec {
            name,
            aliases: &[],
            kind,
            default: DefaultText::Fixed(default),
            flags: Flags {
                immutable: false,
                multi: false,
                protected: false,
                sensitive: false,
                hidden: false,
                debug: false,
                not_while_loading: false,
                volatile: false,
            },
            support: Support::Works,
            harmless: &[],
            unit: "",
            about,
            rule: None,
        }
    }

    /// A row for `yes` or `no`.
    pub(crate) const fn bool(name: &'static str, default: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Bool, default, about)
    }

    /// A row for a decimal number from `min` to `max`.
    pub(crate) const fn number(
        name: &'static str,
        (min, max): (i128, i128),
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self::new(name, Kind::Number { min, max, form: Form::Plain }, default, about)
    }

    /// A row for a size in bytes from `min` to `max`.
    pub(crate) const fn memory(
        name: &'static str,
        (min, max): (i128, i128),
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self::new(name, Kind::Number { min, max, form: Form::Memory }, default, about).unit("bytes")
    }

    /// A row for one of `words`.
    pub(crate) const fn choice(
        name: &'static str,
        words: &'static [Word],
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self::new(name, Kind::Choice(words), default, about)
    }

    /// A row for bytes that may be empty.
    pub(crate) const fn text(name: &'static str, default: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Text { nullable: false }, default, about)
    }

    /// A row for bytes where an empty text means "not set", which is the default.
    pub(crate) const fn optional(name: &'static str, about: &'static str) -> Self {
        Self::new(name, Kind::Text { nullable: true }, "", about)
    }

    /// A row of a kind of its own; several arguments unless said otherwise by the caller.
    pub(crate) const fn special(
        name: &'static str,
        kind: Kind,
        default: &'static str,
        about: &'static str,
    ) -> Self {
        Self::new(name, kind, default, about)
    }

    pub(crate) const fn aliases(mut self, aliases: &'static [&'static str]) -> Self {
        self.aliases = aliases;
        self
    }

    pub(crate) const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub(crate) const fn form(mut self, form: Form) -> Self {
        if let Kind::Number { min, max, .. } = self.kind {
            self.kind = Kind::Number { min, max, form };
        }
        self
    }

    pub(crate) const fn machine(mut self, value: fn() -> String, said: &'static str) -> Self {
        self.default = DefaultText::Machine(value, said);
        self
    }

    pub(crate) const fn rule(mut self, rule: Rule) -> Self {
        self.rule = Some(rule);
        self
    }

    pub(crate) const fn noted(mut self, note: &'static str) -> Self {
        self.support = Support::Noted(note);
        self
    }

    pub(crate) const fn harmless(mut self, values: &'static [&'static str]) -> Self {
        self.harmless = values;
        self
    }

    pub(crate) const fn refused(mut self, why: &'static str) -> Self {
        self.support = Support::Refused(why);
        self
    }

    pub(crate) const fn immutable(mut self) -> Self {
        self.flags.immutable = true;
        self
    }

    pub(crate) const fn multi(mut self) -> Self {
        self.flags.multi = true;
        self
    }

    pub(crate) const fn protected(mut self) -> Self {
        self.flags.protected = true;
        self
    }

    pub(crate) const fn sensitive(mut self) -> Self {
        self.flags.sensitive = true;
        self
    }

    pub(crate) const fn hidden(mut self) -> Self {
        self.flags.hidden = true;
        self
    }

    pub(crate) const fn debug(mut self) -> Self {
        self.flags.debug = true;
        self
    }

    pub(crate) const fn not_while_loading(mut self) -> Self {
        self.flags.not_while_loading = true;
        self
    }

    pub(crate) const fn volatile(mut self) -> Self {
        self.flags.volatile = true;
        self
    }

    /// The default in the words of a configuration file, worked out for this machine.
    #[must_use]
    pub fn default_words(&self) -> String {
        match self.default {
            DefaultText::Fixed(words) => words.to_owned(),
            DefaultText::Machine(value, _) => value(),
        }
    }
}
