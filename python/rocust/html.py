"""The HTML report, by Locust's names."""

from rocust._report.html import (
    DEFAULT_BUILD_PATH,
    get_html_report,
    process_html_filename,
    render_template_from,
)

#: Percentiles of the report's table of response times.
PERCENTILES_FOR_HTML_REPORT = [0.50, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0]

__all__ = [
    "DEFAULT_BUILD_PATH",
    "PERCENTILES_FOR_HTML_REPORT",
    "get_html_report",
    "process_html_filename",
    "render_template_from",
]
