import { useEffect, useRef, type CSSProperties } from "react";
import { formatClock } from "../model/format.ts";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

interface ChartLine {
  readonly name: string;
  /** A variable of the style sheet: "--good". */
  readonly color: string;
  readonly values: readonly (number | null)[];
}

const heightPx = 150;

interface ChartProps {
  readonly title: string;
  readonly atSeconds: readonly number[];
  readonly lines: readonly ChartLine[];
  readonly format: (value: number) => string;
  readonly unit: "bytes" | "others";
  /** "light", "dark", or whatever else changes colors. */
  readonly look: string;
}

/** Lines over time. Colors are read from the style sheet, anew when the look changes. */
export function Chart(props: ChartProps) {
  const { title, atSeconds, lines, format, unit, look } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const shown = useRef(format);
  shown.current = format;
  const names = lines.map(({ name, color }) => `${name} ${color}`).join();
  useEffect(() => {
    const div = place.current;
    if (div === null) return undefined;
    const made = new uPlot(
      optionsOf(div, { lines, unit, format: (value) => shown.current(value) }),
      [[], ...lines.map(() => [])],
      div,
    );
    plot.current = made;
    const watch = new ResizeObserver(() => made.setSize({ width: div.clientWidth, height: heightPx }));
    watch.observe(div);
    return () => {
      watch.disconnect();
      made.destroy();
    };
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [names, look]);
  useEffect(() => {
    plot.current?.setData([[...atSeconds], ...lines.map(({ values }) => [...values])]);
  }, [atSeconds, lines, names, look]);
  const latest = lines.map(({ name, color, values }) => ({ name, color, value: values.at(-1) ?? null }));
  return (
    <figure className="chart card">
      <figcaption>
        <h3>{title}</h3>
        <p>
          {latest.map(({ name, color, value }) => (
            <span key={name} className="legend" style={{ "--legend": `var(${color})` } as CSSProperties}>
              {name} <strong>{value === null ? "-" : format(value)}</strong>
            </span>
          ))}
        </p>
      </figcaption>
      <div ref={place} className="plot" role="img" aria-label={title} />
    </figure>
  );
}

function optionsOf(
  div: HTMLElement,
  { lines, unit, format }: Pick<ChartProps, "lines" | "unit" | "format">,
): uPlot.Options {
  const styles = getComputedStyle(div);
  const color = (name: string): string => styles.getPropertyValue(name).trim();
  const axis = { stroke: color("--faint"), grid: { stroke: color("--hair"), width: 1 }, ticks: { show: false } };
  return {
    width: div.clientWidth,
    height: heightPx,
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.15 : 1] } },
    axes: [
      { ...axis, space: 90, size: 30, values: (_plot, splits) => splits.map(formatClock) },
      { ...axis, size: 74, space: 36, incrs: incrementsOf(unit), values: (_plot, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...lines.map(({ name, color: variable }, index) => ({
        label: name,
        stroke: color(variable),
        width: 1.75,
        ...(index === 0 ? { fill: color("--wash") } : {}),
        // What stands alone between gaps is a point.
        points: { size: 3, fill: color(variable), filter: loneIndexes },
      })),
    ],
  };
}

function incrementsOf(unit: ChartProps["unit"]): number[] {
  if (unit === "bytes") return Array.from({ length: 50 }, (_, power) => 2 ** power);
  const decades = Array.from({ length: 15 }, (_, power) => 10 ** (power - 6));
  return decades.flatMap((decade) => [decade, 2 * decade, 5 * decade]);
}

function loneIndexes(plot: uPlot, seriesIndex: number): number[] {
  const values = plot.data[seriesIndex] ?? [];
  return [...values.keys()].filter(
    (at) => values[at] != null && (values[at - 1] ?? null) === null && (values[at + 1] ?? null) === null,
  );
}
