//! Named styles and glyphs.
//!
//! A [`Theme`] answers "how does this role look" for the color depth at hand. [`Depth::None`] emits no color at all and
//! says the same with reverse, bold and underline; crossterm's own `NO_COLOR` switch is forced on (see
//! [`crate::terminal`]) because its empty color sequence would reset reverse.

mod detect;

pub use detect::{ColorChoice, Surroundings, ascii_wanted, depth};

use ratatui::style::{Color, Modifier, Style};
use stratigraph_widgets::symbol::{ASCII, Symbols, UNICODE};

/// How many colors the terminal shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// None: meaning by reverse, bold and underline.
    None,
    /// The 16 named ones, on the terminal's own background.
    Named,
    /// 256.
    Indexed,
    /// 16 million.
    True,
}

/// Which glyphs are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GlyphSet {
    /// Lines and dots.
    Unicode,
    /// Seven-bit signs only.
    Ascii,
}

/// A named choice of colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// The 16 named colors of the terminal.
    Terminal,
    /// For dark backgrounds; needs 256 colors or more.
    Dark,
    /// For light backgrounds; needs 256 colors or more.
    Light,
}

impl Palette {
    /// All palettes with their names in the configuration.
    pub const ALL: [(&'static str, Self); 3] =
        [("terminal", Self::Terminal), ("dark", Self::Dark), ("light", Self::Light)];
}

/// What a piece of text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// Plain text.
    Text,
    /// Less important.
    Dim,
    /// Title line, chosen screen, headings.
    Title,
    /// The position line away from a branch head.
    Past,
    /// Border of the focused pane.
    FocusBorder,
    /// Border of another pane.
    Border,
    /// The selected row of the focused pane.
    Selected,
    /// The selected row of another pane.
    SelectedElsewhere,
    /// A marked row.
    Marked,
    /// A match of the search.
    Match,
    /// Inserted, added.
    Added,
    /// Deleted, removed.
    Removed,
    /// Changed.
    Changed,
    /// Worked out well.
    Good,
    /// Deserves a look.
    Warning,
    /// Failed.
    Error,
    /// A key in hints and help.
    Key,
    /// The number of a branch's or lane's color; see [`Theme::lane`].
    Lane(usize),
}

/// Styles and glyphs in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Theme {
    /// Color depth.
    pub depth: Depth,
    /// Colors.
    pub palette: Palette,
    /// Glyphs.
    pub glyphs: GlyphSet,
    /// Whether things move: spinners, half-second updates.
    pub motion: bool,
}

impl Default for Theme {
    fn default() -> Self {
        Self { depth: Depth::Named, palette: Palette::Terminal, glyphs: GlyphSet::Unicode, motion: true }
    }
}

/// Colors of one palette and depth, in the order dim, accent, added, removed, changed, error, selected background.
struct Colors {
    dim: Color,
    accent: Color,
    added: Color,
    removed: Color,
    changed: Color,
    /// Foreground and background of the selected row; `None` reverses it.
    selected: Option<(Color, Color)>,
    lanes: &'static [Color],
}

const NAMED_LANES: &[Color] = &[
    Color::Blue,
    Color::Magenta,
    Color::Cyan,
    Color::Yellow,
    Color::Green,
    Color::Red,
    Color::LightBlue,
    Color::LightMagenta,
];
const DARK_LANES: &[Color] = &[
    Color::Indexed(75),
    Color::Indexed(176),
    Color::Indexed(80),
    Color::Indexed(179),
    Color::Indexed(114),
    Color::Indexed(210),
    Color::Indexed(147),
    Color::Indexed(215),
];
const LIGHT_LANES: &[Color] = &[
    Color::Indexed(25),
    Color::Indexed(90),
    Color::Indexed(30),
    Color::Indexed(94),
    Color::Indexed(28),
    Color::Indexed(124),
    Color::Indexed(61),
    Color::Indexed(130),
];

impl Theme {
    /// The glyphs.
    #[must_use]
    pub fn symbols(&self) -> &'static Symbols {
        match self.glyphs {
            GlyphSet::Unicode => &UNICODE,
            GlyphSet::Ascii => &ASCII,
        }
    }

    /// The separator between facts on one line: ` · `.
    #[must_use]
    pub fn dot(&self) -> &'static str {
        match self.glyphs {
            GlyphSet::Unicode => " · ",
            GlyphSet::Ascii => " - ",
        }
    }

    /// An arrow from one thing to another: ` → `.
    #[must_use]
    pub fn arrow(&self) -> &'static str {
        match self.glyphs {
            GlyphSet::Unicode => " → ",
            GlyphSet::Ascii => " -> ",
        }
    }

    /// How a role looks.
    #[must_use]
    pub fn style(&self, role: Role) -> Style {
        match self.depth {
            Depth::None => plain(role),
            Depth::Named | Depth::Indexed | Depth::True => colored(role, &self.colors()),
        }
    }

    /// How the lane or branch with this number looks; 0 is main.
    #[must_use]
    pub fn lane(&self, number: usize) -> Style {
        self.style(Role::Lane(number))
    }

    fn colors(self) -> Colors {
        let palette = if self.depth == Depth::Named { Palette::Terminal } else { self.palette };
        let pick = |rgb: (u8, u8, u8), index: u8| match self.depth {
            Depth::True => Color::Rgb(rgb.0, rgb.1, rgb.2),
            Depth::None | Depth::Named | Depth::Indexed => Color::Indexed(index),
        };
        match palette {
            Palette::Terminal => Colors {
                dim: Color::DarkGray,
                accent: Color::Cyan,
                added: Color::Green,
                removed: Color::Red,
                changed: Color::Yellow,
                selected: None,
                lanes: NAMED_LANES,
            },
            Palette::Dark => Colors {
                dim: pick((128, 134, 149), 245),
                accent: pick((125, 207, 255), 117),
                added: pick((158, 206, 106), 149),
                removed: pick((247, 118, 142), 210),
                changed: pick((224, 175, 104), 179),
                selected: Some((pick((230, 233, 245), 255), pick((52, 59, 88), 238))),
                lanes: DARK_LANES,
            },
            Palette::Light => Colors {
                dim: pick((110, 115, 128), 243),
                accent: pick((0, 95, 135), 24),
                added: pick((40, 110, 30), 28),
                removed: pick((170, 20, 40), 124),
                changed: pick((140, 85, 0), 94),
                selected: Some((pick((25, 25, 30), 234), pick((205, 215, 235), 189))),
                lanes: LIGHT_LANES,
            },
        }
    }
}

fn colored(role: Role, colors: &Colors) -> Style {
    let plain = Style::new();
    match role {
        Role::Text => plain,
        Role::Dim | Role::Border => plain.fg(colors.dim),
        Role::Title | Role::Key | Role::Marked => plain.fg(colors.accent).add_modifier(Modifier::BOLD),
        Role::Past => plain.add_modifier(Modifier::REVERSED),
        Role::FocusBorder => plain.fg(colors.accent),
        Role::Selected => {
            colors.selected.map_or(plain.add_modifier(Modifier::REVERSED), |(fg, bg)| plain.fg(fg).bg(bg))
        }
        Role::SelectedElsewhere => plain.add_modifier(Modifier::UNDERLINED),
        Role::Match => plain.fg(colors.changed).add_modifier(Modifier::UNDERLINED | Modifier::BOLD),
        Role::Added | Role::Good => plain.fg(colors.added),
        Role::Removed => plain.fg(colors.removed),
        Role::Changed | Role::Warning => plain.fg(colors.changed),
        Role::Error => plain.fg(colors.removed).add_modifier(Modifier::BOLD),
        Role::Lane(number) => plain.fg(colors.lanes[number % colors.lanes.len()]),
    }
}

fn plain(role: Role) -> Style {
    let style = Style::new();
    match role {
        Role::Text | Role::Border | Role::Added | Role::Good | Role::Lane(_) => style,
        Role::Dim => style.add_modifier(Modifier::DIM),
        Role::Title | Role::Key | Role::FocusBorder | Role::Marked | Role::Changed | Role::Warning => {
            style.add_modifier(Modifier::BOLD)
        }
        Role::Past | Role::Selected => style.add_modifier(Modifier::REVERSED),
        Role::SelectedElsewhere | Role::Removed => style.add_modifier(Modifier::UNDERLINED),
        Role::Match | Role::Error => style.add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROLES: [Role; 18] = [
        Role::Text,
        Role::Dim,
        Role::Title,
        Role::Past,
        Role::FocusBorder,
        Role::Border,
        Role::Selected,
        Role::SelectedElsewhere,
        Role::Marked,
        Role::Match,
        Role::Added,
        Role::Removed,
        Role::Changed,
        Role::Good,
        Role::Warning,
        Role::Error,
        Role::Key,
        Role::Lane(3),
    ];

    #[test]
    fn no_color_emits_no_color_and_still_shows_the_cursor() {
        let theme = Theme { depth: Depth::None, ..Theme::default() };
        for role in ROLES {
            let style = theme.style(role);
            assert_eq!((style.fg, style.bg), (None, None), "{role:?}");
        }
        assert!(theme.style(Role::Selected).add_modifier.contains(Modifier::REVERSED));
        assert_ne!(theme.style(Role::Selected), theme.style(Role::SelectedElsewhere));
        assert_ne!(theme.style(Role::FocusBorder), theme.style(Role::Border));
    }

    #[test]
    fn each_depth_uses_only_its_colors() {
        let named = Theme { palette: Palette::Dark, ..Theme::default() };
        let indexed = Theme { depth: Depth::Indexed, palette: Palette::Dark, ..Theme::default() };
        for role in ROLES {
            for color in [named.style(role).fg, named.style(role).bg].into_iter().flatten() {
                assert!(!matches!(color, Color::Rgb(..) | Color::Indexed(_)), "{role:?}");
            }
            for color in [indexed.style(role).fg, indexed.style(role).bg].into_iter().flatten() {
                assert!(!matches!(color, Color::Rgb(..)), "{role:?}");
            }
        }
        let rich = Theme { depth: Depth::True, ..indexed };
        assert!(matches!(rich.style(Role::Added).fg, Some(Color::Rgb(..))));
    }
}
