import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Charts } from "./components/Charts";
import { Section } from "./components/Section";
import { Exceptions, Failures, Requests, ResponseTimes, Timings } from "./components/Tables";
import { TaskRatio } from "./components/TaskRatio";
import type { ReportData } from "./data";
import { count, moment } from "./format";
import "./style.css";
import { type Theme, useTheme } from "./theme";

function Report(props: { data: ReportData }) {
  const { data } = props;
  const [theme, changeTheme] = useTheme();
  return (
    <main>
      <Head data={data} theme={theme} changeTheme={changeTheme} />
      <Section title="Requests">
        <Requests rows={data.requests_statistics} />
        {data.num_aborted > 0 && (
          <p className="note">
            {count(data.num_aborted)} requests were in flight when their users were stopped. They are in no figure: how
            they would have ended was not measured.
          </p>
        )}
      </Section>
      <Section title="Response times" note="Milliseconds within which a share of the requests finished.">
        <ResponseTimes rows={data.response_time_statistics} />
      </Section>
      <Section title="Charts">
        <Charts history={data.history} entries={data.entry_history} shares={data.percentiles_to_chart} theme={theme} />
      </Section>
      {data.timings_statistics.length > 0 && (
        <Section
          title="Timings"
          note="The parts of the response times, in milliseconds: average, and the longest of any request. The queue is the load generator's own delay and no part of the response time."
        >
          <Timings rows={data.timings_statistics} />
        </Section>
      )}
      {data.failures_statistics.length > 0 && (
        <Section title="Failures">
          <Failures rows={data.failures_statistics} />
        </Section>
      )}
      {data.exceptions_statistics.length > 0 && (
        <Section title="Exceptions">
          <Exceptions rows={data.exceptions_statistics} />
        </Section>
      )}
      <Section title="Task ratio">
        <div className="ratios">
          <TaskRatio title="Within each class" ratios={data.tasks.per_class} />
          <TaskRatio title="Of all tasks" ratios={data.tasks.total} />
        </div>
      </Section>
      <footer>Rocust {data.version}</footer>
    </main>
  );
}

function Head(props: { data: ReportData; theme: Theme; changeTheme: () => void }) {
  const { data, theme, changeTheme } = props;
  const facts: [string, string | null][] = [
    ["Host", data.host === "None" ? null : data.host],
    ["Script", data.locustfile],
    ["Profile", data.profile],
    ["During", `${moment(data.start_time)} – ${moment(data.end_time)} (${data.duration})`],
  ];
  return (
    <header>
      <div>
        <h1>Load test report</h1>
        <dl>
          {facts.map(
            ([title, value]) =>
              value && (
                <div key={title}>
                  <dt>{title}</dt>
                  <dd>{value}</dd>
                </div>
              ),
          )}
        </dl>
      </div>
      <nav>
        {data.show_download_link && <a href={`?download=1&theme=${theme}`}>Download</a>}
        <button type="button" id="theme" onClick={changeTheme}>
          {theme === "dark" ? "Light" : "Dark"}
        </button>
      </nav>
    </header>
  );
}

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <Report data={window.templateArgs} />
    </StrictMode>,
  );
}
