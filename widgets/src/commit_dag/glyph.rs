//! The characters of the graph, Unicode and ASCII.
//!
//! Both sets are lossless: the property test of this module reads the parent edges back from nothing but the characters. Two
//! signs are added to the table of the design: `~` ends the line to a parent outside the list, and a fold row has a sign of its
//! own (`⋮`, `#`). ASCII uses one sign for the three directions of a bend (`'`, `.`, `+`); the direction follows from the side
//! on which the commit stands.

/// One character per meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glyphs {
    /// Commit with lines above and below.
    pub through: char,
    /// Commit with a line below only.
    pub tip: char,
    /// Commit with a line above only.
    pub root: char,
    /// Commit without a line above or below.
    pub alone: char,
    /// Several commits in one row.
    pub fold: char,
    /// A line passes.
    pub vertical: char,
    /// A line goes sideways.
    pub horizontal: char,
    /// A line that leaves out commits passes.
    pub elided: char,
    /// A line ends here because its parent is not in the list.
    pub outside: char,
    /// A line from above ends here: commit to the left, to the right, lines on both sides.
    pub end: [char; 3],
    /// A line starts here and goes down: commit to the left, to the right, lines on both sides.
    pub start: [char; 3],
    /// A line joins one that continues: commit to the left, to the right, lines on both sides.
    pub join: [char; 3],
}

/// Box drawing.
pub const UNICODE: Glyphs = Glyphs {
    through: '●',
    tip: '○',
    root: '◉',
    alone: '◌',
    fold: '⋮',
    vertical: '│',
    horizontal: '─',
    elided: '┊',
    outside: '~',
    end: ['╯', '╰', '┴'],
    start: ['╮', '╭', '┬'],
    join: ['┤', '├', '┼'],
};

/// Seven-bit characters only.
pub const ASCII: Glyphs = Glyphs {
    through: '*',
    tip: 'o',
    root: '@',
    alone: 'x',
    fold: '#',
    vertical: '|',
    horizontal: '-',
    elided: ':',
    outside: '~',
    end: ['\''; 3],
    start: ['.'; 3],
    join: ['+'; 3],
};
