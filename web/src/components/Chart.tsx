import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { Theme } from "../theme";

export interface Line {
  label: string;
  color: string;
  values: (number | null)[];
}

const HEIGHT = 240;
const LINES = { light: { axis: "#4a5560", grid: "#e3e7ea" }, dark: { axis: "#a9b4bd", grid: "#2c353c" } };

/** Lines over time. All charts of a page share a cursor. */
export function Chart(props: { title: string; times: number[]; lines: Line[]; theme: Theme }) {
  const { title, times, lines, theme } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const { axis, grid } = LINES[theme];
    const axes = { stroke: axis, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const plot = new uPlot(
      {
        width: element.clientWidth || 400,
        height: HEIGHT,
        cursor: { sync: { key: "report" } },
        scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
        axes: [axes, { ...axes, size: 60 }],
        series: [
          { label: "time" },
          ...lines.map((line) => ({
            label: line.label,
            stroke: line.color,
            width: 1.5,
            points: { show: times.length < 30 },
          })),
        ],
      },
      [times, ...lines.map((line) => line.values)],
      element,
    );
    const resized = new ResizeObserver(() => plot.setSize({ width: element.clientWidth || 400, height: HEIGHT }));
    resized.observe(element);
    return () => {
      resized.disconnect();
      plot.destroy();
    };
  }, [times, lines, theme]);
  return (
    <figure className="chart">
      <figcaption>{title}</figcaption>
      <div ref={place} />
    </figure>
  );
}
