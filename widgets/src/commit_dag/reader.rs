//! Reads the parent edges back from printed characters: the judge of the lossless rule.
//!
//! It sees nothing but lines of text and the glyph set, and shares no code with the layout.

use super::glyph::Glyphs;

/// What was read: edges as (child row, parent row), and the child rows of lines that lead outside.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) edges: Vec<(usize, usize)>,
    pub(super) outside: Vec<usize>,
    pub(super) lanes: Vec<usize>,
}

fn lane_char(row: &[char], lane: usize) -> char {
    row.get(lane * 2).copied().unwrap_or(' ')
}

/// Reads a graph, or says in which row the drawing contradicts itself.
pub(super) fn read(text: &[String], glyphs: &Glyphs) -> Result<Reading, String> {
    let lines: Vec<Vec<char>> = text.iter().map(|line| line.chars().collect()).collect();
    let width = lines.iter().map(|line| line.len().div_ceil(2)).max().unwrap_or(0);
    let commits = [glyphs.through, glyphs.tip, glyphs.root, glyphs.alone, glyphs.fold];
    let mut reading = Reading::default();
    let mut carried: Vec<Vec<usize>> = vec![Vec::new(); width];
    for (row, line) in lines.iter().enumerate() {
        let found: Vec<usize> = (0..width).filter(|&lane| commits.contains(&lane_char(line, lane))).collect();
        let [commit] = found[..] else {
            return Err(format!("row {row} has {} commits", found.len()));
        };
        reading.lanes.push(commit);
        for (lane, carried) in carried.iter_mut().enumerate() {
            let glyph = lane_char(line, lane);
            let full = !carried.is_empty();
            let tied = glyphs.end.contains(&glyph) || glyphs.start.contains(&glyph) || glyphs.join.contains(&glyph);
            if tied {
                let gaps = (lane.min(commit)..lane.max(commit)).map(|gap| line.get(gap * 2 + 1));
                if gaps.into_iter().any(|gap| gap != Some(&glyphs.horizontal)) {
                    return Err(format!("row {row} lane {lane} is not tied to the commit"));
                }
            }
            if lane == commit {
                let below = if glyph == glyphs.fold {
                    lines.get(row + 1).is_some_and(|next| comes_from_above(lane_char(next, lane), glyphs))
                } else {
                    glyph == glyphs.through || glyph == glyphs.tip
                };
                let above = if glyph == glyphs.fold { full } else { glyph == glyphs.through || glyph == glyphs.root };
                if above != full {
                    return Err(format!("row {row}: commit and the line above disagree"));
                }
                reading.edges.extend(carried.drain(..).map(|child| (child, row)));
                if below {
                    carried.push(row);
                }
            } else if glyphs.end.contains(&glyph) && full {
                reading.edges.extend(carried.drain(..).map(|child| (child, row)));
            } else if glyphs.start.contains(&glyph) && !full || glyphs.join.contains(&glyph) && full {
                carried.push(row);
            } else if glyph == glyphs.outside && full {
                reading.outside.append(carried);
            } else if (glyph == glyphs.vertical || glyph == glyphs.elided) != full || tied {
                return Err(format!("row {row} lane {lane}: {glyph:?} with {} lines above", carried.len()));
            }
        }
    }
    reading.outside.extend(carried.into_iter().flatten());
    reading.edges.sort_unstable();
    reading.outside.sort_unstable();
    Ok(reading)
}

/// Whether a glyph continues a line of the row above. A fold does: a freed lane stays empty for a row.
fn comes_from_above(glyph: char, glyphs: &Glyphs) -> bool {
    [glyphs.through, glyphs.root, glyphs.fold, glyphs.vertical, glyphs.elided, glyphs.outside].contains(&glyph)
        || glyphs.end.contains(&glyph)
        || glyphs.join.contains(&glyph)
}

fn lines(text: &[&str]) -> Vec<String> {
    text.iter().map(ToString::to_string).collect()
}

#[test]
fn a_drawing_made_by_hand_is_read() {
    let ascii = lines(&["o-.-.", "| * ~", "+-|-x", "* |", "@-'"]);
    let reading = read(&ascii, &super::glyph::ASCII).unwrap();
    assert_eq!(reading.edges, [(0, 1), (0, 3), (1, 4), (2, 3), (3, 4)]);
    assert_eq!(reading.outside, [0]);
    assert_eq!(reading.lanes, [0, 1, 2, 0, 0]);
}

#[test]
fn a_drawing_that_contradicts_itself_is_refused() {
    let wrong: [&[&str]; 6] = [
        &["o", "o"],        // the line below the first commit vanishes
        &["x", "@"],        // a line from nowhere
        &["o .", "* |"],    // a line starts that is not tied to the commit
        &["o-.", "| x"],    // the second line vanishes
        &["o", "*-'", "@"], // a line ends that never started
        &["o o", "@-'"],    // two commits in a row
    ];
    for text in wrong {
        assert!(read(&lines(text), &super::glyph::ASCII).is_err(), "{text:?}");
    }
}
