import { useMemo, useState } from "react";
import { type EntryHistory, type Note, titleOf } from "../data";
import { count, percentile } from "../format";
import type { Theme } from "../theme";
import { Chart, type Line } from "./Chart";

const COLORS = ["#2f7ed8", "#d9822b", "#7d5fc9", "#1f9d8a", "#c2497d", "#8a8f2a"];
const TOTAL = -1;

interface Curves {
  times: number[];
  rates: Line[];
  responseTimes: Line[];
}

function seconds(time: string): number {
  return Date.parse(time) / 1000;
}

function rates(rps: Line["values"], fails: Line["values"]): Line[] {
  return [
    { label: "requests/s", color: "#2e9e4f", values: rps },
    { label: "failures/s", color: "#d23f3f", values: fails },
  ];
}

function percentiles(shares: string[], values: Line["values"][]): Line[] {
  return shares.map((share, at) => ({
    label: percentile(share),
    color: COLORS[at % COLORS.length] ?? "#2f7ed8",
    values: values[at] ?? [],
  }));
}

function ofTotal(history: Note[], shares: number[]): Curves {
  const values = shares.map((share) => history.map((note) => note[`response_time_percentile_${share}`]?.[1] ?? null));
  return {
    times: history.map((note) => seconds(note.time)),
    rates: rates(
      history.map((note) => note.current_rps[1]),
      history.map((note) => note.current_fail_per_sec[1]),
    ),
    responseTimes: percentiles(shares.map(String), values),
  };
}

function ofEntry(noted: EntryHistory, at: number): Curves {
  const entry = noted.entries[at];
  return {
    times: noted.times.map(seconds),
    rates: rates(entry?.rps ?? [], entry?.fails ?? []),
    responseTimes: percentiles(noted.percentiles, entry?.response_times ?? []),
  };
}

/** The curves of the total or of one entry; only those that are looked at are drawn. */
export function Charts(props: { history: Note[]; entries: EntryHistory; shares: number[]; theme: Theme }) {
  const { history, entries, shares, theme } = props;
  const [shown, setShown] = useState(TOTAL);
  const curves = useMemo(
    () => (shown === TOTAL ? ofTotal(history, shares) : ofEntry(entries, shown)),
    [history, entries, shares, shown],
  );
  const users = useMemo(
    () => ({
      times: history.map((note) => seconds(note.time)),
      lines: [{ label: "users", color: "#2f7ed8", values: history.map((note) => note.user_count[1]) }],
    }),
    [history],
  );
  const order = useMemo(
    () =>
      entries.entries
        .map((entry, at) => ({ at, title: titleOf(entry) }))
        .sort((left, right) => left.title.localeCompare(right.title)),
    [entries],
  );
  const missing = entries.num_entries - entries.entries.length;
  return (
    <>
      <label className="choice">
        Show{" "}
        <select id="entry" value={shown} onChange={(event) => setShown(Number(event.target.value))}>
          <option value={TOTAL}>all requests</option>
          {order.map(({ at, title }) => (
            <option key={at} value={at}>
              {title}
            </option>
          ))}
        </select>
        {missing > 0 && <small> {count(missing)} more names have no history of their own.</small>}
      </label>
      <Chart title="Requests per second" times={curves.times} lines={curves.rates} theme={theme} />
      <Chart title="Response times (ms)" times={curves.times} lines={curves.responseTimes} theme={theme} />
      <Chart title="Users" times={users.times} lines={users.lines} theme={theme} />
    </>
  );
}
