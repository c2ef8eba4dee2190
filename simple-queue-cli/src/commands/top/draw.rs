//! The picture: a header, the queues, the workers, the longest runs, the last errors.

use ratatui::{
    Frame,
    layout::{Constraint, Layout, Rect},
    style::{Color, Style, Stylize},
    text::{Line, Span},
    widgets::{Row, Table},
};

use super::view::{MINUTES, View};
use crate::output::short;

/// Heights of minutes in a line of text.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

pub(super) fn draw(frame: &mut Frame<'_>, view: &View) {
    let rooms = rooms(frame.area(), view);
    header(frame, rooms[0], view);
    queues(frame, rooms[1], view);
    workers(frame, rooms[2], view);
    runs(frame, rooms[3], view);
    errors(frame, rooms[4], view);
}

/// Each list gets what it needs, and no more than its share where there is not enough for all.
fn rooms(area: Rect, view: &View) -> [Rect; 5] {
    /// 2 lines of the header.
    const HEADER: u16 = 2;
    let lists = [view.queues.len(), view.workers.len(), view.runs.len(), view.errors.len()];
    // A line for the names of the columns, and one that is empty.
    let wanted = lists.map(|rows| u16::try_from(rows).unwrap_or(u16::MAX).saturating_add(2));
    let equal = area.height.saturating_sub(HEADER) / 4;
    let mut spare: u16 = wanted.iter().map(|it| equal.saturating_sub(*it)).sum();
    let heights = wanted.map(|wanted| {
        let more = std::cmp::min(wanted.saturating_sub(equal), spare);
        spare -= more;
        Constraint::Length(std::cmp::min(wanted, equal + more))
    });
    let [queues, workers, runs, errors] = heights;
    Layout::vertical([Constraint::Length(HEADER), queues, workers, runs, errors]).areas(area)
}

fn header(frame: &mut Frame<'_>, room: Rect, view: &View) {
    let lag = view.lag.map_or_else(|| "none".to_owned(), short);
    let silent = view.workers.iter().filter(|worker| worker.is_silent).count();
    let paused = view.queues.iter().filter(|queue| queue.is_paused).count();
    let counted =
        |number: usize, what| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let (workers, runs) =
        (counted(view.workers.len(), "worker"), counted(view.runs.len(), "long run"));
    let numbers = format!("lag {lag}   {} runs/min   {workers}   {runs}", view.rate);
    let mut numbers = vec![Span::raw(numbers)];
    for (number, what) in [(silent, "silent"), (paused, "paused")] {
        if number > 0 {
            numbers.push(format!("   {number} {what}").yellow());
        }
    }
    let first = match &view.problem {
        Some(problem) => Line::from(format!("no answer, the numbers are old: {problem}").red()),
        None => Line::from(view.target.clone().bold()),
    };
    frame.render_widget(ratatui::text::Text::from(vec![first, Line::from(numbers)]), room);
}

fn queues(frame: &mut Frame<'_>, room: Rect, view: &View) {
    let rows = view.queues.iter().map(|queue| {
        let style = match (queue.is_paused, queue.is_late) {
            (true, _) => Style::new().fg(Color::Yellow),
            (false, true) => Style::new().fg(Color::Red),
            (false, false) => Style::new(),
        };
        let name =
            if queue.is_paused { format!("{} (paused)", queue.name) } else { queue.name.clone() };
        let cells = [
            name,
            queue.workers.clone(),
            queue.waiting.clone(),
            queue.later.clone(),
            queue.oldest.clone(),
            bars(&queue.minutes),
        ];
        Row::new(cells).style(style)
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(7),
        Constraint::Length(8),
        Constraint::Length(8),
        Constraint::Length(7),
        Constraint::Length(u16::try_from(MINUTES).unwrap_or(u16::MAX)),
    ];
    let names = ["QUEUE", "WORKERS", "WAITING", "LATER", "OLDEST", "RUNS OF 30 MIN"];
    table(frame, room, rows, &widths, names);
}

fn workers(frame: &mut Frame<'_>, room: Rect, view: &View) {
    let rows = view.workers.iter().map(|worker| {
        let style = if worker.is_silent { Style::new().fg(Color::Red) } else { Style::new() };
        Row::new([worker.place.clone(), worker.queues.clone(), worker.heartbeat.clone()])
            .style(style)
    });
    let widths = [Constraint::Fill(1), Constraint::Fill(2), Constraint::Length(12)];
    table(frame, room, rows, &widths, ["WORKER", "QUEUES", "HEARTBEAT"]);
}

fn runs(frame: &mut Frame<'_>, room: Rect, view: &View) {
    let rows = view.runs.iter().map(|run| {
        let style = if run.is_cancelled { Style::new().fg(Color::Yellow) } else { Style::new() };
        let kind =
            if run.is_cancelled { format!("{} (cancelled)", run.kind) } else { run.kind.clone() };
        let cells =
            [kind, run.since.clone(), run.progress.clone(), run.note.clone(), run.host.clone()];
        Row::new(cells).style(style)
    });
    let widths = [
        Constraint::Fill(2),
        Constraint::Length(7),
        Constraint::Length(6),
        Constraint::Fill(2),
        Constraint::Fill(1),
    ];
    table(frame, room, rows, &widths, ["LONGEST RUNS", "FOR", "DONE", "NOTE", "HOST"]);
}

fn errors(frame: &mut Frame<'_>, room: Rect, view: &View) {
    let rows =
        view.errors.iter().map(|it| Row::new([it.when.clone(), it.kind.clone(), it.error.clone()]));
    let widths = [Constraint::Length(12), Constraint::Fill(1), Constraint::Fill(3)];
    table(frame, room, rows, &widths, ["LAST DEAD", "KIND", "ERROR"]);
}

fn table<'r, const COLUMNS: usize>(
    frame: &mut Frame<'_>,
    room: Rect,
    rows: impl Iterator<Item = Row<'r>>,
    widths: &[Constraint; COLUMNS],
    names: [&'static str; COLUMNS],
) {
    let head = Row::new(names).style(Style::new().dim());
    frame.render_widget(Table::new(rows, *widths).header(head), room);
}

/// A bar for each minute, the highest for the most runs; a minute without one is empty.
fn bars(minutes: &[u64]) -> String {
    let most = minutes.iter().copied().max().unwrap_or(0);
    let bar = |runs: &u64| match (*runs, most) {
        (0, _) => ' ',
        (runs, most) => {
            let height = runs.saturating_mul(8).div_ceil(most).clamp(1, 8);
            BARS[usize::try_from(height - 1).unwrap_or(0)]
        }
    };
    minutes.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ratatui::{Terminal, backend::TestBackend};

    use super::{
        super::{
            text_of,
            view::{ErrorLine, QueueLine, RunLine, WorkerLine},
        },
        *,
    };

    fn view() -> View {
        let queue = |name: &str, is_paused| QueueLine {
            name: name.to_owned(),
            workers: "2".to_owned(),
            waiting: "10,000+".to_owned(),
            later: "7".to_owned(),
            oldest: "4 s".to_owned(),
            is_late: false,
            is_paused,
            minutes: [vec![0; 26], vec![1, 2, 4, 8]].concat(),
        };
        View {
            target: "prod (postgres://app@db/app)".to_owned(),
            queues: vec![queue("emails", false), queue("images", true)],
            workers: vec![WorkerLine {
                place: "web-1 77".to_owned(),
                queues: "emails,images".to_owned(),
                heartbeat: "1 s ago".to_owned(),
                is_silent: false,
            }],
            runs: vec![RunLine {
                kind: "import".to_owned(),
                since: "12 min".to_owned(),
                progress: "40 %".to_owned(),
                note: "page 4".to_owned(),
                host: "web-1".to_owned(),
                is_cancelled: false,
            }],
            errors: vec![ErrorLine {
                when: "3 min ago".to_owned(),
                kind: "send_mail".to_owned(),
                error: "connection refused".to_owned(),
            }],
            lag: Some(Duration::from_secs(4)),
            rate: 812,
            problem: None,
        }
    }

    fn picture(view: &View, width: u16, height: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
        terminal.draw(|frame| draw(frame, view)).unwrap();
        text_of(terminal.backend().buffer())
    }

    #[test]
    fn everything_stands_on_a_terminal_of_the_usual_size() {
        let picture = picture(&view(), 80, 24);
        assert_eq!(
            picture.trim_end().lines().collect::<Vec<_>>(),
            [
                "prod (postgres://app@db/app)",
                "lag 4 s   812 runs/min   1 worker   1 long run   1 paused",
                "QUEUE           WORKERS WAITING  LATER    OLDEST  RUNS OF 30 MIN",
                "emails          2       10,000+  7        4 s                               ▁▂▄█",
                "images (paused) 2       10,000+  7        4 s                               ▁▂▄█",
                "",
                "WORKER                 QUEUES                                       HEARTBEAT",
                "web-1 77               emails,images                                1 s ago",
                "",
                "LONGEST RUNS              FOR     DONE   NOTE                      HOST",
                "import                    12 min  40 %   page 4                    web-1",
                "",
                "LAST DEAD    KIND              ERROR",
                "3 min ago    send_mail         connection refused",
            ],
            "\n{picture}"
        );
    }

    #[test]
    fn many_queues_leave_room_for_the_other_lists() {
        let mut many = view();
        while many.queues.len() < 60 {
            many.queues.extend(view().queues);
        }
        let usual = picture(&many, 80, 24);
        for there in ["emails", "web-1 77", "import", "connection refused"] {
            assert!(usual.contains(there), "{there}\n{usual}");
        }
        for (width, height) in [(20, 5), (1, 1), (300, 100)] {
            assert_eq!(picture(&many, width, height).lines().count(), usize::from(height));
        }
    }

    #[test]
    fn old_numbers_are_said_to_be_old() {
        let old = View { problem: Some("connection refused".to_owned()), ..view() };
        assert!(picture(&old, 80, 24).starts_with("no answer, the numbers are old: connection"));
    }

    #[test]
    fn the_most_runs_have_the_highest_bar() {
        assert_eq!(bars(&[0, 1, 500, 1000]), " ▁▄█");
        assert_eq!(bars(&[]), "");
    }
}
