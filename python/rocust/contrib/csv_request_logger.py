"""`CsvRequestLogger`, by Locust's names."""

from rocust._contrib.csv_request_logger import CSV_COLUMNS, CsvRequestLogger, _status_code

__all__ = [
    "CSV_COLUMNS",
    "CsvRequestLogger",
    "_status_code",
]
