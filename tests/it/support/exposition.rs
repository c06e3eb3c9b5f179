//! `/metrics` as numbers.

use super::Sidecar;
use std::collections::BTreeSet;

/// The metrics at one moment.
#[derive(Debug)]
pub struct Exposition(String);

impl Exposition {
    /// Reads them.
    pub async fn of(sidecar: &Sidecar) -> Self {
        let reply = sidecar.operators("/metrics").await;
        assert_eq!(reply.status, 200, "{}", reply.text());
        Self(reply.text())
    }

    /// The names of all metrics.
    pub fn names(&self) -> BTreeSet<String> {
        let types = self.0.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        types.filter_map(|rest| rest.split_once(' ')).map(|(name, _)| name.to_owned()).collect()
    }

    /// The series of a metric: labels as they are written, and the value.
    pub fn series(&self, metric: &str) -> Vec<(&str, f64)> {
        let lines = self.0.lines().filter_map(|line| line.strip_prefix(metric));
        lines
            .filter_map(|rest| {
                let (labels, value) = rest.rsplit_once(' ')?;
                // Another metric whose name begins alike goes on where this one has its labels or its end.
                (labels.is_empty() || labels.starts_with('{')).then(|| (labels, value.parse().unwrap()))
            })
            .collect()
    }

    /// The value of the one series of a metric that has this label; 0 if there is none yet.
    pub fn value(&self, metric: &str, label: &str) -> f64 {
        let series = self.series(metric);
        let found: Vec<_> = series.iter().filter(|(labels, _)| labels.contains(label)).collect();
        assert!(found.len() < 2, "{metric} with {label}: {found:?}");
        found.first().map_or(0.0, |(_, value)| *value)
    }
}
