import type { InstrumentSpec, Meter } from "@kakera/kernel";
import { collectDefaultMetrics, Counter, Gauge, Registry, type Metric } from "prom-client";
import { LabelledSeries } from "./labelled-series.ts";
import { PromHistogram } from "./prom-histogram.ts";

export interface PromMeter {
  readonly meter: Meter;
  /** An instrument whose rows are told anew before each scrape: rows of what is gone do not stay. Tables come in order. */
  table(spec: TableSpec, rows: () => Iterable<MeterRow> | Promise<Iterable<MeterRow>>): void;
  /** What an instrument holds now; nothing when there is none of that name. */
  values(name: string): Promise<readonly MeterRow[]>;
  /** Everything measured, in Prometheus' text form. */
  text(): Promise<string>;
  /** The same as plain data, to be added to that of other processes. */
  records(): Promise<MetricRecord[]>;
}

/** An instrument and its values, as prom-client's registry gives them. */
export interface MetricRecord {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  /** How values of several processes become one. */
  readonly aggregator: string;
  readonly values: readonly MeterRow[];
}

export interface MeterRow {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
  /** Of a histogram: which of its figures. */
  readonly part?: "bucket" | "sum" | "count";
}

type Spec = Pick<InstrumentSpec, "help" | "labels"> & { readonly name: string };
type TableSpec = Spec & { readonly kind?: "gauge" | "counter" };

/** Instruments of prom-client in a registry of their own, with the process' own figures beside them. */
export function createPromMeter(): PromMeter {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const collectors: (() => void | Promise<void>)[] = [];
  /** After all of these: tables may be made of what they set. */
  const tables: (() => Promise<void>)[] = [];
  const common = (spec: Spec): Common => ({
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
  const histograms = new Map<string, PromHistogram>();
  const counters = new Map<string, LabelledSeries<Counted>>();
  const onceCounted = (spec: Spec): LabelledSeries<Counted> => {
    const known = counters.get(spec.name);
    if (known !== undefined) return known;
    const series = new LabelledSeries<Counted>(spec.labels ?? [], () => ({ pending: 0 }));
    counters.set(spec.name, series);
    new Counter({ ...common(spec), collect: handOver });
    return series;

    function handOver(this: Counter): void {
      for (const { labels, value } of series) {
        this.inc({ ...labels }, value.pending);
        value.pending = 0;
      }
    }
  };
  const meter: Meter = {
    counter(spec) {
      const series = onceCounted(spec);
      return {
        add: (amount = 1, labels = {}) => {
          series.at(labels).pending += amount;
        },
      };
    },
    gauge(spec) {
      const gauge = once(spec, () => absentUntilSet(new Gauge(common(spec)), common(spec)));
      return {
        set: (value, labels = {}) => gauge.set({ ...labels }, value),
        remove: (labels) => gauge.remove({ ...labels }),
      };
    },
    histogram(spec) {
      const known = histograms.get(spec.name);
      const histogram = known ?? new PromHistogram({ ...common(spec), buckets: spec.buckets });
      if (known === undefined) {
        histograms.set(spec.name, histogram);
        registry.registerMetric(histogram.asMetric());
      }
      return { observe: (value, labels = {}) => histogram.observe(value, labels) };
    },
    onCollect: (collect) => void collectors.push(collect),
  };
  const collectAll = async (): Promise<void> => {
    for (const collect of [...collectors, ...tables]) await collect();
  };
  return {
    meter,
    table(spec, rows) {
      const clear = spec.kind === "counter" ? counterTable(common(spec)) : gaugeTable(common(spec));
      tables.push(async () => {
        const put = clear();
        for (const row of await rows()) put(row);
      });
    },
    async values(name) {
      const found = await registry.getSingleMetric(name)?.get();
      return (found?.values ?? []).map(({ labels, value, ...sample }) => ({
        labels: labels as MeterRow["labels"],
        value,
        ...partOf(name, sample as { readonly metricName?: string }),
      }));
    },
    async text() {
      await collectAll();
      return registry.metrics();
    },
    async records() {
      await collectAll();
      return (await registry.getMetricsAsJSON()) as unknown as MetricRecord[];
    },
  };
}

function partOf(name: string, { metricName }: { readonly metricName?: string }): Pick<MeterRow, "part"> {
  if (metricName === undefined || metricName === name) return {};
  return { part: metricName.slice(name.length + 1) as NonNullable<MeterRow["part"]> };
}

/** Counted since the last scrape: handed over to prom-client at the next. */
interface Counted {
  pending: number;
}

type Put = (row: MeterRow) => void;
interface Common {
  readonly name: string;
  readonly help: string;
  readonly labelNames: string[];
  readonly registers: [Registry];
}

function gaugeTable(common: Common): () => Put {
  const gauge = new Gauge(common);
  return () => {
    gauge.reset();
    absentUntilSet(gauge, common);
    return ({ labels, value }) => gauge.set({ ...labels }, value);
  };
}

/** prom-client shows what has no labels as zero before anybody has measured it. */
function absentUntilSet<Made extends Gauge | Counter>(instrument: Made, { labelNames }: Common): Made {
  if (labelNames.length === 0) instrument.remove();
  return instrument;
}

/** Counted elsewhere, shown under another name. */
function counterTable(common: Common): () => Put {
  const counter = new Counter(common);
  return () => {
    counter.reset();
    absentUntilSet(counter, common);
    return ({ labels, value }) => counter.inc({ ...labels }, value);
  };
}
