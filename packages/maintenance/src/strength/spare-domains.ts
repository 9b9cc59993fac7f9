/**
 * How many failure domains a chunk may lose, whichever they are, before fewer than `k` of its shards are left; below 0: how
 * many shards it is short of k now. `places`: for each shard, the domains in which it can be read; none = it is missing.
 * Two shards in one domain go with one loss, so k+m shards bear m losses only in k+m domains. A shard in several places is
 * reckoned in one of them, where the fewest others are: what is said is never more than what is borne.
 */
export function spareDomains(places: readonly (readonly string[])[], k: number): number {
  const counts = new Map<string, number>();
  const found = places.filter((domains) => domains.length > 0).sort((a, b) => a.length - b.length);
  for (const domains of found) {
    const count = (domain: string): number => counts.get(domain) ?? 0;
    const emptiest = domains.reduce((best, next) => (count(next) < count(best) ? next : best));
    counts.set(emptiest, count(emptiest) + 1);
  }
  let left = found.length;
  if (left < k) return left - k;
  let borne = 0;
  for (const lost of [...counts.values()].sort((a, b) => b - a)) {
    left -= lost;
    if (left < k) break;
    borne++;
  }
  return borne;
}
