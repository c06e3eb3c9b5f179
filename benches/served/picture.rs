//! Throughput and p99 against the number of policies and of accounts, as one SVG that names nothing outside of it.

use plotters::{
    coord::{combinators::IntoLogRange as _, ranged1d::ValueFormatter},
    prelude::*,
};
use std::{error::Error, fmt::Debug, path::Path};

/// What one server did with so many policies and accounts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Point {
    pub(crate) server: &'static str,
    pub(crate) policies: usize,
    pub(crate) accounts: usize,
    pub(crate) per_second: f64,
    /// Milliseconds.
    pub(crate) p99: f64,
}

/// The servers in the order of the legend, with colours that also people see who confuse red and green.
const SERVERS: [(&str, RGBColor); 4] = [
    ("does nothing", RGBColor(110, 110, 110)),
    ("poort", RGBColor(0, 90, 181)),
    ("poort, cache off", RGBColor(86, 180, 233)),
    ("Cerbos", RGBColor(213, 94, 0)),
];

/// Draws the points: a row by policies, a row by accounts.
pub(crate) fn draw(points: &[Point], by: (usize, usize), path: &Path, title: &str) -> Result<(), Box<dyn Error>> {
    let (accounts, policies) = by;
    let root = SVGBackend::new(path, (1100, 800)).into_drawing_area();
    root.fill(&WHITE)?;
    let panels = root.titled(title, ("sans-serif", 22))?.split_evenly((2, 2));
    let by_policies: Vec<_> = points.iter().filter(|point| point.accounts == accounts).collect();
    let by_accounts: Vec<_> = points.iter().filter(|point| point.policies == policies).collect();
    let rows = [
        (by_policies, (|point: &Point| point.policies) as fn(&Point) -> usize, "policies"),
        (by_accounts, |point: &Point| point.accounts, "accounts"),
    ];
    for (row, (points, x, name)) in rows.into_iter().enumerate() {
        let throughput = Panel { points: &points, x, name, y: |point| point.per_second, unit: "calls a second" };
        let p99 = Panel { y: |point| point.p99, unit: "p99, ms", ..throughput };
        for (panel, area) in [throughput, p99].into_iter().zip(panels.iter().skip(2 * row)) {
            panel.draw(area)?;
        }
    }
    root.present()?;
    Ok(())
}

#[derive(Clone, Copy)]
struct Panel<'a> {
    points: &'a [&'a Point],
    x: fn(&Point) -> usize,
    name: &'a str,
    y: fn(&Point) -> f64,
    unit: &'a str,
}

impl Panel<'_> {
    #[expect(clippy::cast_precision_loss, reason = "numbers to draw")]
    fn draw<DB: DrawingBackend>(&self, area: &DrawingArea<DB, plotters::coord::Shift>) -> Result<(), Box<dyn Error>>
    where
        DB::ErrorType: Debug + 'static,
    {
        let Self { points, x, name, y, unit } = *self;
        let xs: Vec<f64> = points.iter().map(|point| x(point) as f64).collect();
        let ends = |values: &[f64]| {
            (values.iter().copied().fold(f64::MAX, f64::min), values.iter().copied().fold(1.0, f64::max))
        };
        let (least, most) = ends(&xs);
        let (_, highest) = ends(&points.iter().map(|point| y(point)).collect::<Vec<_>>());
        let is_wide = unit.starts_with("p99");
        let caption = format!("{unit} against {name}");
        let mut builder = ChartBuilder::on(area);
        builder.caption(caption, ("sans-serif", 16)).margin(12).x_label_area_size(36).y_label_area_size(70);
        let x_range = (least * 0.8..most * 1.25).log_scale();
        // A server that takes a hundred times as long leaves no room for the others on a linear scale.
        if is_wide {
            let lowest = points.iter().map(|point| y(point)).fold(f64::MAX, f64::min);
            self.lines(builder.build_cartesian_2d(x_range, (lowest * 0.7..highest * 1.3).log_scale())?)
        } else {
            self.lines(builder.build_cartesian_2d(x_range, 0.0..highest * 1.1)?)
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers to draw")]
    fn lines<'c, DB, X, Y>(&self, mut chart: ChartContext<'c, DB, Cartesian2d<X, Y>>) -> Result<(), Box<dyn Error>>
    where
        DB: DrawingBackend + 'c,
        DB::ErrorType: Debug + 'static,
        X: Ranged<ValueType = f64> + ValueFormatter<f64>,
        Y: Ranged<ValueType = f64> + ValueFormatter<f64>,
    {
        let Self { points, x, name, y, unit } = *self;
        let number = |value: &f64| if *value < 10.0 { format!("{value:.1}") } else { format!("{value:.0}") };
        chart
            .configure_mesh()
            .x_desc(name)
            .y_desc(unit)
            .x_labels(6)
            .x_label_formatter(&|value| format!("{value:.0}"))
            .y_label_formatter(&number)
            .light_line_style(WHITE.mix(0.0))
            .draw()?;
        for (server, colour) in SERVERS {
            let mut line: Vec<_> =
                points.iter().filter(|point| point.server == server).map(|point| (x(point) as f64, y(point))).collect();
            line.sort_by(|one, other| one.0.total_cmp(&other.0));
            if line.is_empty() {
                continue;
            }
            chart
                .draw_series(LineSeries::new(line.iter().copied(), colour.stroke_width(2)).point_size(3))?
                .label(server)
                .legend(move |(x, y)| PathElement::new(vec![(x, y), (x + 18, y)], colour.stroke_width(2)));
        }
        // Where there is no line.
        let position = match (unit.starts_with("p99"), name) {
            (false, _) => SeriesLabelPosition::Coordinate(30, 185),
            (true, "policies") => SeriesLabelPosition::UpperLeft,
            (true, _) => SeriesLabelPosition::UpperRight,
        };
        chart
            .configure_series_labels()
            .position(position)
            .background_style(WHITE.mix(0.85))
            .border_style(RGBColor(200, 200, 200))
            .label_font(("sans-serif", 12))
            .draw()?;
        Ok(())
    }
}
