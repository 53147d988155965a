//! A QR code as one SVG path: black on white in every colour scheme, for cameras expect that.

use leptos::prelude::*;
use qrcode::{Color, EcLevel, QrCode};

/// The quiet zone around a code, in modules (ISO/IEC 18004 section 9.1).
const QUIET: usize = 4;

/// What a code looks like: its width with the quiet zone in modules, and the dark ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QrSquares {
    width: usize,
    path: String,
}

impl QrSquares {
    /// None when the text is longer than a code can hold (2953 bytes at the lowest level of error
    /// correction, which is enough on a screen and has the largest modules).
    pub fn of(text: &str) -> Option<Self> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).ok()?;
        let width = code.width();
        let mut path = String::new();
        for (y, row) in code.to_colors().chunks(width).enumerate() {
            let mut x = 0;
            for run in row.chunk_by(|a, b| a == b) {
                if run.first() == Some(&Color::Dark) {
                    let (x, y, run) = (x + QUIET, y + QUIET, run.len());
                    path += &format!("M{x} {y}h{run}v1h-{run}z");
                }
                x += run.len();
            }
        }
        Some(Self { width: width + 2 * QUIET, path })
    }

    /// The picture. `label` says what it holds.
    pub fn draw(self, label: String) -> impl IntoView {
        view! {
            <svg
                class="qr-code"
                role="img"
                aria-label=label
                viewBox=format!("0 0 {0} {0}", self.width)
                shape-rendering="crispEdges"
            >
                <path class="qr-light" d=format!("M0 0h{0}v{0}h-{0}z", self.width) />
                <path class="qr-dark" d=self.path />
            </svg>
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_three_corners_inside_the_quiet_zone() {
        let squares = QrSquares::of("hello").unwrap();
        assert_eq!(squares.width, 21 + 8);
        assert!(squares.path.starts_with("M4 4h7v1h-7z"), "{}", squares.path);
        assert!(squares.path.contains("M18 4h7v1h-7z") && squares.path.contains("M4 24h7v1h-7z"));
    }

    #[test]
    fn a_text_that_no_code_can_hold_has_none() {
        assert!(QrSquares::of(&"x".repeat(2953)).is_some());
        assert_eq!(QrSquares::of(&"x".repeat(2954)), None);
    }
}
