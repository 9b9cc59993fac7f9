import { GIB, MIB } from "@kakera/kernel";
import type { EtcdExamination, EtcdMemberFacts, NodeRecord } from "@kakera/metadata";
import { bad, ok, type Finding } from "./findings.ts";

/** Above it every PUT waits so long, and leases of nodes come near their end. */
const commitMsMax = { median: 25, slowest: 250 } as const;
const usedShareMax = 0.8;

export function judgeEtcd({ members, commitMs, isShared }: EtcdExamination): Finding[] {
  const answering = members.filter(({ answer }) => answer !== null).length;
  const isMajority = answering * 2 > members.length;
  return [
    ...members.flatMap((member) => judgeMember(member, isMajority)),
    ...judgeCommits(commitMs, members.length),
    ...(isShared === null ? [] : [judgeSharing(isShared)]),
  ];
}

function judgeMember({ endpoint, answer }: EtcdMemberFacts, isMajority: boolean): Finding[] {
  if (answer === null)
    return [
      bad(isMajority ? "warning" : "failure", "LOG_UNREACHABLE", {
        subject: endpoint,
        sentence: "etcd does not answer there",
        remedy: `is it up, and is the URL right (http or https)? curl ${endpoint}/health`,
      }),
    ];
  const { version, sizeBytes, quotaBytes } = answer;
  const findings: Finding[] = [];
  if (!answer.isSoundVersion)
    findings.push(
      bad("failure", "ETCD_VERSION", {
        subject: endpoint,
        sentence: `etcd ${version} loses watch events and answers with stale data`,
        remedy: "use 3.6.9, 3.5.28, 3.4.42 or newer",
      }),
    );
  if (!answer.hasLeader)
    findings.push(
      bad("failure", "LOG_UNREACHABLE", {
        subject: endpoint,
        sentence: "etcd has no leader: a majority of its members is missing",
        remedy: "bring members back: etcdctl endpoint status --cluster",
      }),
    );
  if (sizeBytes > usedShareMax * quotaBytes)
    findings.push(
      bad("warning", "LOG_SPACE", {
        subject: endpoint,
        sentence: `${Math.floor((sizeBytes / quotaBytes) * 100)} % of etcd's quota are used`,
        remedy: "a larger --quota-backend-bytes (8 GiB at most)",
      }),
    );
  if (findings.length > 0) return findings;
  const size = `${Math.ceil(sizeBytes / MIB)} MiB`;
  const room = Number.isFinite(quotaBytes) ? `${size} of ${(quotaBytes / GIB).toFixed(1)} GiB` : size;
  return [ok(endpoint, `etcd ${version}, ${answer.isLeader ? "leads" : "follows"}, ${room}`)];
}

function judgeCommits(commitMs: readonly number[] | null, memberCount: number): Finding[] {
  const subject = "etcd commits";
  if (commitMs === null || commitMs.length === 0)
    return [
      bad("failure", "LOG_UNREACHABLE", {
        subject,
        sentence: "etcd takes no changes",
        remedy: "etcdctl endpoint status; etcdctl alarm list; may this user write under the prefix?",
      }),
    ];
  const sorted = commitMs.toSorted((a, b) => a - b);
  const median = sorted[sorted.length >> 1] as number;
  const slowest = sorted.at(-1) as number;
  const figures = `median ${median.toFixed(1)} ms, slowest of ${sorted.length} ${slowest.toFixed(1)} ms`;
  if (median <= commitMsMax.median && slowest <= commitMsMax.slowest) return [ok(subject, figures)];
  return [
    bad("warning", "LOG_SLOW", {
      subject,
      sentence: `${figures}: every change of an object waits for one`,
      remedy: `give etcd's ${memberCount === 1 ? "data folder" : "members"} SSDs of their own, and a short way: etcdctl check perf`,
    }),
  ];
}

function judgeSharing(isShared: boolean): Finding {
  if (!isShared) return ok("etcd's keys", "none of somebody else");
  return bad("warning", "ETCD_SHARED", {
    subject: "etcd's keys",
    sentence:
      "somebody else keeps keys in this etcd: its history is not compacted and its room is not watched over by us",
    remedy: "an etcd of its own, or see that somebody compacts this one (--etcd-compaction leader if nobody does)",
  });
}

/** Of the nodes that live: one version, or two while it is being upgraded. */
export function judgeVersions(nodes: readonly NodeRecord[]): Finding {
  const hosts = new Map<string, string[]>();
  for (const { version, host } of nodes) hosts.set(version, [...(hosts.get(version) ?? []), host]);
  const [only] = hosts.keys();
  if (hosts.size <= 1)
    return ok("nodes", only === undefined ? "none lives yet" : `${nodes.length} live, all of version ${only}`);
  return bad("warning", "VERSION_SKEW", {
    subject: "nodes",
    sentence: [...hosts].map(([version, of]) => `${version}: ${of.toSorted().join(", ")}`).join("; "),
    remedy: "finish the upgrade: one version on all nodes",
  });
}

export function judgeReach(node: NodeRecord, answer: "reached" | "refused" | "silent"): Finding {
  const subject = `${node.host} (${node.address})`;
  if (answer === "reached") return ok(subject, "takes connections from here");
  return bad("failure", "NODE_DOWN", {
    subject,
    sentence: answer === "refused" ? "refuses connections from here" : "cannot be reached from here, though it lives",
    remedy: "open its node port between all nodes, or set --advertise to an address that they can dial",
  });
}
