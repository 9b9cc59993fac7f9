type Labels = Readonly<Record<string, string>>;

export interface Counter {
  add(amount?: number, labels?: Labels): void;
}
export interface Gauge {
  set(value: number, labels?: Labels): void;
  /** What these labels name is no more: their row goes. */
  remove(labels: Labels): void;
}
export interface Histogram {
  /** Seconds or bytes: base units. */
  observe(value: number, labels?: Labels): void;
}

export interface InstrumentSpec {
  readonly name: `kakera_${string}`;
  readonly help: string;
  readonly labels?: readonly string[];
}

/** Makes instruments. All instruments of a package are made in its metrics.ts, once. */
export interface Meter {
  counter(spec: InstrumentSpec): Counter;
  gauge(spec: InstrumentSpec): Gauge;
  histogram(spec: InstrumentSpec & { readonly buckets: readonly number[] }): Histogram;
  /** Calls `collect` before each scrape, for gauges that are read rather than kept. */
  onCollect(collect: () => void | Promise<void>): void;
}

export const silentMeter: Meter = {
  counter: () => ({ add: () => {} }),
  gauge: () => ({ set: () => {}, remove: () => {} }),
  histogram: () => ({ observe: () => {} }),
  onCollect: () => {},
};
