import type { InstrumentSpec, Meter } from "@kakera/kernel";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type Metric } from "prom-client";

export interface PromMeter {
  readonly meter: Meter;
  /** A gauge whose rows are told anew before each scrape: rows of what is gone do not stay. */
  table(spec: Spec, rows: () => Iterable<MeterRow>): void;
  /** Everything measured, in Prometheus' text form. */
  text(): Promise<string>;
}

interface MeterRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Spec = Pick<InstrumentSpec, "help" | "labels"> & { readonly name: string };

/** Instruments of prom-client in a registry of their own, with the process' own figures beside them. */
export function createPromMeter(): PromMeter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const collectors: (() => void | Promise<void>)[] = [];
  const common = (spec: Spec) => ({
    name: spec.name,
    help: spec.help,
    labelNames: [...(spec.labels ?? [])],
    registers: [registry],
  });
  /** Parts of which there are several (drives) ask for the same instrument each: it is one. */
  const once = <Made extends Metric>(spec: Spec, make: () => Made): Made => {
    const made = registry.getSingleMetric(spec.name) as Made | undefined;
    return made ?? make();
  };
  const meter: Meter = {
    counter(spec) {
      const counter = once(spec, () => new Counter(common(spec)));
      return { add: (amount = 1, labels = {}) => counter.inc({ ...labels }, amount) };
    },
    gauge(spec) {
      const gauge = once(spec, () => new Gauge(common(spec)));
      return { set: (value, labels = {}) => gauge.set({ ...labels }, value) };
    },
    histogram(spec) {
      const histogram = once(spec, () => new Histogram({ ...common(spec), buckets: [...spec.buckets] }));
      return { observe: (value, labels = {}) => histogram.observe({ ...labels }, value) };
    },
    onCollect: (collect) => void collectors.push(collect),
  };
  return {
    meter,
    table(spec, rows) {
      const gauge = new Gauge(common(spec));
      collectors.push(() => {
        gauge.reset();
        for (const row of rows()) gauge.set({ ...row.labels }, row.value);
      });
    },
    async text() {
      for (const collect of collectors) await collect();
      return registry.metrics();
    },
  };
}
