// What rocust._report.html puts into the page. The names are Locust's, and so is what is not marked as ours.

/** A point of a chart: when, and how much. */
export type Point = [time: string, value: number];

export interface Note {
  time: string;
  current_rps: Point;
  current_fail_per_sec: Point;
  user_count: Point;
  [percentile: `response_time_percentile_${number}`]: Point;
}

export interface Named {
  name: string;
  method: string | null;
}

export interface RequestRow extends Named {
  num_requests: number;
  num_failures: number;
  min_response_time: number;
  max_response_time: number;
  avg_response_time: number;
  median_response_time: number;
  avg_content_length: number;
  total_rps: number;
  total_fail_per_sec: number;
}

/** Milliseconds by share, such as "0.95"; `exact` is ours, with fractions. */
export interface ResponseTimeRow extends Named {
  exact?: Record<string, number>;
  [share: string]: unknown;
}

export interface FailureRow extends Named {
  error: string;
  occurrences: number;
  first_seen: number | null;
  last_seen: number | null;
}

export interface ExceptionRow {
  count: number;
  msg: string;
  traceback: string;
  nodes: string;
}

/** The parts of the response times, in milliseconds. Ours. */
export interface TimingsRow extends Named {
  num_requests: number;
  average: Record<string, number>;
  max: Record<string, number>;
}

export interface Ratio {
  ratio: number;
  tasks?: Ratios;
}

export type Ratios = Record<string, Ratio>;

/** The history of single entries: one value for each of `times`. Ours. */
export interface EntryHistory {
  times: string[];
  percentiles: string[];
  num_entries: number;
  entries: {
    name: string;
    method: string;
    rps: (number | null)[];
    fails: (number | null)[];
    response_times: (number | null)[][];
  }[];
}

export interface ReportData {
  requests_statistics: RequestRow[];
  response_time_statistics: ResponseTimeRow[];
  failures_statistics: FailureRow[];
  exceptions_statistics: ExceptionRow[];
  timings_statistics: TimingsRow[];
  entry_history: EntryHistory;
  history: Note[];
  tasks: { per_class: Ratios; total: Ratios };
  percentiles_to_chart: number[];
  start_time: string;
  end_time: string;
  duration: string;
  host: string;
  locustfile: string;
  profile: string | null;
  show_download_link: boolean;
  version: string;
  num_aborted: number;
}

declare global {
  interface Window {
    templateArgs: ReportData;
    theme: "dark" | "light" | "";
  }
}

/** "GET /path", or the name alone where there is no method, as of the total. */
export function titleOf(row: Named): string {
  return row.method ? `${row.method} ${row.name}` : row.name;
}
