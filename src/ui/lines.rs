//! Lines on standard error, above the bars where there are any.

use super::page::Page;
use indicatif::MultiProgress;
use std::io::Write;

/// Where log lines go: above the bars, if there are any.
#[derive(Clone)]
pub(super) struct Lines {
    pub(super) bars: MultiProgress,
    /// The page that lines are wrapped for; lines of JSON are not wrapped.
    pub(super) page: Page,
}

impl<'a> tracing_subscriber::fmt::MakeWriter<'a> for Lines {
    type Writer = Line;
    fn make_writer(&'a self) -> Line {
        Line { bars: self.bars.clone(), page: self.page, text: Vec::new() }
    }
}

/// One log line that is being written.
pub(super) struct Line {
    bars: MultiProgress,
    page: Page,
    text: Vec<u8>,
}

impl Write for Line {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.text.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let text = self.page.wrap(&String::from_utf8_lossy(&self.text));
        self.bars.suspend(|| talk(&text));
    }
}

/// Writes to standard error; errors are ignored, because it may be closed.
pub(super) fn talk(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
