import type { Metric } from "prom-client";
import { LabelledSeries } from "./labelled-series.ts";

export interface HistogramSpec {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly string[];
  /** Upper bounds, rising. */
  readonly buckets: readonly number[];
}

/** A line of the text form. */
interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Observations {
  /** One for each bound, and the last for what is above them all; not cumulative. */
  readonly counts: Float64Array;
  sum: number;
}

/** A histogram that prom-client's registry shows as its own, and whose `observe` is cheap enough for every request. */
export class PromHistogram {
  readonly name: string;
  readonly #spec: HistogramSpec;
  readonly #series: LabelledSeries<Observations>;

  constructor(spec: HistogramSpec) {
    this.name = spec.name;
    this.#spec = spec;
    const newObservations = (): Observations => ({ counts: new Float64Array(spec.buckets.length + 1), sum: 0 });
    this.#series = new LabelledSeries(spec.labelNames, newObservations);
    // What has no labels is there from the start, at zero.
    if (spec.labelNames.length === 0) this.#series.at({});
  }

  observe(value: number, labels: Readonly<Record<string, string>>): void {
    const observations = this.#series.at(labels);
    const { buckets } = this.#spec;
    let at = 0;
    while (at < buckets.length && value > (buckets[at] as number)) at++;
    observations.counts[at] = (observations.counts[at] as number) + 1;
    observations.sum += value;
  }

  async get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: Sample[] }> {
    const { name, help, buckets } = this.#spec;
    const values: Sample[] = [];
    for (const { labels, value: observations } of this.#series) {
      let count = 0;
      for (const [at, bound] of [...buckets, "+Inf"].entries()) {
        count += observations.counts[at] as number;
        values.push({ metricName: `${name}_bucket`, labels: { le: bound, ...labels }, value: count });
      }
      values.push({ metricName: `${name}_sum`, labels, value: observations.sum });
      values.push({ metricName: `${name}_count`, labels, value: count });
    }
    return { name, help, type: "histogram", aggregator: "sum", values };
  }

  /** The registry's door: it asks of a metric its name and `get` alone. */
  asMetric(): Metric {
    return this as unknown as Metric;
  }
}
