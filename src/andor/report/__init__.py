"""From results to readers: tables, figures, the page, studies and findings."""
