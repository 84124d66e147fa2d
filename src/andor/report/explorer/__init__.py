"""One self-contained page per task: look at a sample, switch its players, watch every model and its interactions."""

from andor.report.explorer.explained import explained, framed
from andor.report.explorer.page import BUDGET, render
from andor.report.explorer.payload import payload

__all__ = ["BUDGET", "explained", "framed", "payload", "render"]
