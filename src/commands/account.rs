//! `poort account`: what the directory says of an account, and what it can do.

use super::{Common, Exit, active::active, entity, language_flag::LanguageFlag, output::Output};
use crate::{
    pdp::Clock,
    review::{
        account::{self, account},
        matrix::{self, Access, Filter, matrix},
    },
    types::{entity_id::EntityId, texts::account as texts},
};
use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

const EXAMPLES: &str = r#"Examples:
  poort account show officer-0021
  poort account show Partner::partner-0003 --as-of 2027-01-01
  poort account show 'Officer::"officer-0021"'     the same, as Cedar writes it
  poort account show officer-0021 --conditions --format json
  poort account show officer-0021 --lang nl       in Dutch

It shows what the directory holds: attributes, groups, authorisations of its own and by what it refers to (such as the profile
of its function) with their dates and approvers, what begins and ends from that day on, and who is named where. Then it shows
what the account can do: always, or under conditions."#;

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Show one account: placement, authorisations, what ends when, who approved what, and what it can do
    #[command(after_help = EXAMPLES)]
    Show(Arguments),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// For a person
    Human,
    /// For a program
    Json,
}

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The account: its id, or TYPE::ID where several types have it
    #[arg(value_name = "[TYPE::]ID")]
    account: EntityId,
    /// The day that counts, such as 2027-01-01 [default: today]. The directory is that of now
    #[arg(long, value_name = "DATE")]
    as_of: Option<jiff::civil::Date>,
    /// Also the conditions under which it can do what it cannot always do
    #[arg(long)]
    conditions: bool,
    /// The form of the result
    #[arg(long, value_enum, default_value = "human", value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    language: LanguageFlag,
    #[command(flatten)]
    common: Common,
}

pub(super) fn run(command: &Command, output: &mut Output) -> Result<Exit, Exit> {
    let Command::Show(arguments) = command;
    let Arguments { account: wanted, as_of, conditions, format, language, common } = arguments;
    let (settings, _) = common.settings(Default::default(), output)?;
    let snapshot = active(&settings, output)?;
    let uid = entity::account(&snapshot, wanted).map_err(|message| {
        output.error(&message);
        Exit::Failed
    })?;
    let language = language.chosen(&settings);
    let day = as_of.map_or_else(|| Clock::new(settings.time_zone, None).now().today, |day| day.to_string());
    let sheet = account(&snapshot, &uid, &day).ok_or(Exit::Failed)?;
    let filter = Filter { account: uid.to_string(), test_accounts: true, ..Filter::default() };
    let mut rights = matrix(&snapshot, &day, &filter, &|_, _| {}).map_err(|error| {
        output.error(&error);
        Exit::Failed
    })?;
    // The sheet says which account it is.
    rights.filter = Filter::default();
    let text = match format {
        Form::Human => {
            let paint = |code, text: &str| output.paint_result(code, text);
            let can = matrix::text(&rights, *conditions, language, &paint);
            format!("{}\n{}\n{can}\n", account::text(&sheet, language, &paint), paint(1, texts::can_do(language)))
        }
        Form::Json => {
            let mut object = account::json(&sheet);
            let cells = rights.accounts.iter().flat_map(|account| &account.cells);
            let cells = cells.filter(|(_, access)| !matches!(access, Access::Never { .. }));
            let can = cells.map(|((record, action), access)| {
                let mut can = matrix::access_json(access, *conditions);
                can.extend(
                    [("resource", record), ("action", action)].map(|(name, of)| (name.to_owned(), of.as_str().into())),
                );
                can
            });
            if let Some(members) = object.as_object_mut() {
                members.insert("can".to_owned(), can.collect::<Value>());
            }
            crate::types::escape::json(&object.to_string()).into_owned() + "\n"
        }
    };
    output.conclude(&text)?;
    Ok(Exit::Done)
}
