import type { Ratios } from "../data";
import { percent } from "../format";

/** How often each task runs, as a tree. */
export function TaskRatio(props: { title: string; ratios: Ratios }) {
  return (
    <div className="ratio">
      <h3>{props.title}</h3>
      <Level ratios={props.ratios} />
    </div>
  );
}

function Level(props: { ratios: Ratios }) {
  return (
    <ul>
      {Object.entries(props.ratios).map(([name, { ratio, tasks }]) => (
        <li key={name}>
          <b>{percent(ratio)}</b> {name}
          {tasks && <Level ratios={tasks} />}
        </li>
      ))}
    </ul>
  );
}
