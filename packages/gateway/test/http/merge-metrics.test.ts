import { describe, expect, it } from "vitest";
import { mergeMetrics } from "../../src/http/merge-metrics.ts";

const isCounted = (name: string): boolean => name.startsWith("counted");
const family = (name: string, ...rows: string[]): string =>
  [`# HELP ${name} of ${name}`, `# TYPE ${name} counter`, ...rows].join("\n");
const textOf = (...families: string[]): string => `${families.join("\n\n")}\n`;

describe("metrics of all nodes in one text", () => {
  it("have the rows of each, and the sum of rows with the same labels", () => {
    const own = textOf(family("counted_a", 'counted_a{server="one two"} 2', 'counted_a{server="all"} 1.5'));
    const others = [
      textOf(family("counted_a", 'counted_a{server="three"} 4', 'counted_a{server="all"} 2')),
      textOf(family("counted_a", 'counted_a{server="all"} 1e3')),
    ];
    expect(mergeMetrics(own, others, isCounted)).toBe(
      textOf(
        family(
          "counted_a",
          'counted_a{server="one two"} 2',
          'counted_a{server="all"} 1003.5',
          'counted_a{server="three"} 4',
        ),
      ),
    );
  });

  it("take what only others count, and of what is true of the cluster only this node's word", () => {
    const own = textOf(family("cluster_b", "cluster_b 3"));
    const others = [textOf(family("cluster_b", "cluster_b 5"), family("counted_c", "counted_c 1"))];
    expect(mergeMetrics(own, others, isCounted)).toBe(
      textOf(family("cluster_b", "cluster_b 3"), family("counted_c", "counted_c 1")),
    );
  });

  it("are this node's where no other answers", () => {
    const own = textOf(family("cluster_b", "cluster_b 3"), family("counted_a"));
    expect(mergeMetrics(own, [], isCounted)).toBe(own);
  });
});
