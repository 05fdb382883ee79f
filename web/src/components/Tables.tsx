import type { ExceptionRow, FailureRow, Named, RequestRow, ResponseTimeRow, TimingsRow } from "../data";
import { count, figure, moment, percent, percentile } from "../format";
import { type Column, Table } from "./Table";

type Show = (value: number) => string;

function number<Row>(title: string, value: (row: Row) => number, show: Show = figure): Column<Row> {
  return { title, value, show: (row) => show(value(row)) };
}

const METHOD: Column<Named> = { title: "Type", value: (row) => row.method ?? "", isText: true };
const NAME: Column<Named> = { title: "Name", value: (row) => row.name, isText: true };

const REQUESTS: Column<RequestRow>[] = [
  METHOD,
  NAME,
  number("# requests", (row) => row.num_requests, count),
  number("# failures", (row) => row.num_failures, count),
  number("failed", (row) => (row.num_requests ? row.num_failures / row.num_requests : 0), percent),
  number("average ms", (row) => row.avg_response_time),
  number("min ms", (row) => row.min_response_time),
  number("median ms", (row) => row.median_response_time),
  number("max ms", (row) => row.max_response_time),
  number("average bytes", (row) => row.avg_content_length),
  number("requests/s", (row) => row.total_rps),
  number("failures/s", (row) => row.total_fail_per_sec),
];

const FAILURES: Column<FailureRow>[] = [
  number("occurrences", (row) => row.occurrences, count),
  METHOD,
  NAME,
  { title: "Error", value: (row) => row.error, isText: true },
  { title: "first", value: (row) => row.first_seen ?? 0, show: (row) => moment(row.first_seen) },
  { title: "last", value: (row) => row.last_seen ?? 0, show: (row) => moment(row.last_seen) },
];

const EXCEPTIONS: Column<ExceptionRow>[] = [
  number("occurrences", (row) => row.count, count),
  { title: "Message", value: (row) => row.msg, isText: true },
  {
    title: "Traceback",
    value: (row) => row.traceback,
    show: (row) => <pre>{row.traceback}</pre>,
    isText: true,
  },
  { title: "Nodes", value: (row) => row.nodes, isText: true },
];

/** The rows without the total, and the total, which comes last. */
function apart<Row extends Named>(rows: Row[]): { rows: Row[]; total: Row | undefined } {
  const total = rows.at(-1);
  return total && !total.method ? { rows: rows.slice(0, -1), total } : { rows, total: undefined };
}

export function Requests(props: { rows: RequestRow[] }) {
  return <Table id="requests" columns={REQUESTS} {...apart(props.rows)} />;
}

export function ResponseTimes(props: { rows: ResponseTimeRow[] }) {
  const shares = Object.keys(props.rows[0] ?? {})
    .filter((key) => !Number.isNaN(Number(key)))
    .sort((left, right) => Number(left) - Number(right));
  const value = (row: ResponseTimeRow, share: string) => row.exact?.[share] ?? Number(row[share] ?? 0);
  const columns = [
    METHOD,
    NAME,
    ...shares.map((share) => number<ResponseTimeRow>(percentile(share), (row) => value(row, share))),
  ];
  return <Table<ResponseTimeRow> id="response-times" columns={columns} {...apart(props.rows)} />;
}

const PARTS: [part: string, title: string][] = [
  ["queue", "queue"],
  ["dns", "DNS"],
  ["connect", "connect"],
  ["tls", "TLS"],
  ["send", "send"],
  ["first_byte", "first byte"],
  ["body", "body"],
];

export function Timings(props: { rows: TimingsRow[] }) {
  const columns: Column<TimingsRow>[] = [
    METHOD,
    NAME,
    number("# requests", (row) => row.num_requests, count),
    ...PARTS.flatMap(([part, title]) => [
      number<TimingsRow>(title, (row) => row.average[part] ?? 0),
      number<TimingsRow>(`max ${title}`, (row) => row.max[part] ?? 0),
    ]),
  ];
  return <Table id="timings" columns={columns} {...apart(props.rows)} />;
}

export function Failures(props: { rows: FailureRow[] }) {
  return <Table id="failures" columns={FAILURES} rows={props.rows} />;
}

export function Exceptions(props: { rows: ExceptionRow[] }) {
  return <Table id="exceptions" columns={EXCEPTIONS} rows={props.rows} />;
}
