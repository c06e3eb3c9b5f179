//! The solver: a program that finds a request with given properties, or proves that there is none.
//!
//! One process answers one question at a time. A process that fails or hangs is ended and replaced; its question is
//! undecided, and never counts as answered.

use super::{Environment, MissingEntities};
use crate::sources::policy::cedar_core::ast;
use cedar_policy as cedar;
use cedar_policy_symcc::{
    CedarSymCompiler, CompiledPolicy, Env, WellFormedAsserts, err::Error, matches_implies_asserts,
    never_matches_asserts, solver::LocalSolver,
};
use std::{env, fmt, path::PathBuf, time::Duration};

/// How to get the solver.
pub const INSTALL: &str = "apt-get install cvc5";

/// There is no solver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SolverMissing {
    /// What was looked for.
    wanted: String,
}

impl fmt::Display for SolverMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "proofs need the solver cvc5, and there is no {}; install it: {INSTALL}", self.wanted)
    }
}

impl std::error::Error for SolverMissing {}

/// Whether there is a solver: the program that the variable `CVC5` names, else `cvc5` on the search path.
///
/// # Errors
/// There is none.
pub fn find_solver() -> Result<PathBuf, SolverMissing> {
    if let Some(named) = env::var_os("CVC5") {
        let path = PathBuf::from(&named);
        return if path.is_file() {
            Ok(path)
        } else {
            Err(SolverMissing { wanted: format!("program `{}` (the variable CVC5 names it)", path.display()) })
        };
    }
    let folders = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&folders)
        .map(|folder| folder.join("cvc5"))
        .find(|path| path.is_file())
        .ok_or_else(|| SolverMissing { wanted: "`cvc5` on the search path".to_owned() })
}

/// What the solver says of a question.
#[derive(Debug)]
pub(crate) enum Found {
    /// There is no such request.
    None,
    /// Here is one.
    Request(Box<Env>),
    /// Neither was established.
    Undecided(String),
}

/// The schema and the environment that a question is about.
#[derive(Debug, Clone)]
pub(crate) struct Scene<'a> {
    known: &'a MissingEntities,
    environment: cedar::RequestEnv,
}

/// An expression in the solver's terms.
pub(crate) type Compiled = CompiledPolicy;

impl<'a> Scene<'a> {
    pub(crate) fn new(known: &'a MissingEntities, environment: &Environment) -> Self {
        Self { known, environment: environment.cedar() }
    }

    /// Compiles an expression.
    pub(crate) fn compile(&self, expression: ast::Expr) -> Result<Compiled, String> {
        self.compile_guarded(self.guarded(expression)?)
    }

    /// The expression, false where it reads an entity that the directory does not know.
    pub(crate) fn guarded(&self, expression: ast::Expr) -> Result<ast::Expr, String> {
        self.known.guarded(expression, &self.environment)
    }

    /// Holds where an expression reads no entity that the directory does not know. `None`: everywhere.
    pub(crate) fn is_read(&self, expression: ast::Expr) -> Result<Option<ast::Expr>, String> {
        self.known.is_read(expression, &self.environment)
    }

    /// Compiles what [`Self::guarded`] made, or a combination of such expressions.
    pub(crate) fn compile_guarded(&self, expression: ast::Expr) -> Result<Compiled, String> {
        let id = ast::PolicyID::from_string("question");
        let policy = ast::Policy::from_when_clause(ast::Effect::Permit, expression, id, None);
        CompiledPolicy::compile(&cedar::Policy::from(policy), &self.environment, self.known.schema()).map_err(|error| {
            match &error {
                Error::PolicyNotWellTyped { errs } => {
                    let causes: Vec<_> = errs.iter().map(ToString::to_string).collect();
                    format!("{error}: {}", causes.join("; "))
                }
                _ => error.to_string(),
            }
        })
    }
}

/// A solver process with what is needed to talk to it.
pub(crate) struct Solver {
    limit: Duration,
    runtime: tokio::runtime::Runtime,
    process: Option<CedarSymCompiler<LocalSolver>>,
}

impl fmt::Debug for Solver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solver").field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Solver {
    /// A solver that thinks at most this long about one question. Its process starts with the first question.
    pub(crate) fn new(limit: Duration) -> Result<Self, String> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| format!("no runtime for the solver: {error}"))?;
        Ok(Self { limit, runtime, process: None })
    }

    /// Looks for a request for which one expression holds, and another, if given, does not.
    pub(crate) fn find(&mut self, holds: &Compiled, fails: Option<&Compiled>) -> Found {
        let asserts = match fails {
            Some(fails) => matches_implies_asserts(holds, fails),
            None => never_matches_asserts(holds),
        };
        self.ask(&asserts)
    }

    /// Compiles an expression and looks for a request for which it holds.
    pub(crate) fn find_where(&mut self, scene: &Scene<'_>, holds: ast::Expr, fails: Option<&Compiled>) -> Found {
        match scene.compile(holds) {
            Ok(holds) => self.find(&holds, fails),
            Err(message) => Found::Undecided(message),
        }
    }

    fn ask(&mut self, asserts: &WellFormedAsserts<'_>) -> Found {
        let Self { limit, runtime, process } = self;
        let limit = *limit;
        // The solver keeps to its limit while it searches, and not always while it prepares to.
        let patience = limit.saturating_add(limit / 2).saturating_add(Duration::from_secs(5));
        let asked = runtime.block_on(async {
            let mut running = match process.take() {
                Some(running) => running,
                None => {
                    let limit = format!("--tlimit-per={}", limit.as_millis().max(1));
                    // Without its option, the solver refuses patterns such as `*a*`.
                    let solver = LocalSolver::cvc5_with_args([limit.as_str(), "--strings-exp"])
                        .map_err(|error| format!("the solver cannot be started: {error}"))?;
                    CedarSymCompiler::new(solver).map_err(|error| error.to_string())?
                }
            };
            let undecided = || format!("the solver did not decide within {} s", limit.as_secs_f64());
            match tokio::time::timeout(patience, running.check_sat(asserts)).await {
                Ok(Ok(found)) => {
                    *process = Some(running);
                    Ok(found)
                }
                Ok(Err(Error::SolverUnknown)) => {
                    *process = Some(running);
                    Err(undecided())
                }
                Ok(Err(error)) => {
                    // It may have ended already, or be in an unknown state.
                    let _ = running.solver_mut().clean_up().await;
                    Err(format!("the solver failed: {}", with_causes(&error)))
                }
                Err(_) => {
                    let _ = running.solver_mut().clean_up().await;
                    Err(undecided())
                }
            }
        });
        match asked {
            Ok(None) => Found::None,
            Ok(Some(request)) => Found::Request(Box::new(request)),
            Err(message) => Found::Undecided(message),
        }
    }
}

impl Drop for Solver {
    fn drop(&mut self) {
        if let Some(mut running) = self.process.take() {
            let _ = self.runtime.block_on(running.solver_mut().clean_up());
        }
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
