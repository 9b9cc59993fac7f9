import { formatGeometry, type Geometry } from "@kakera/kernel";
import type { DescribedSetting } from "../config/describe-settings.ts";
import type { Address } from "../config/parse-values.ts";
import { formatTable } from "../commands/format-values.ts";
import { sameDeviceMeaning } from "../doctor/findings.ts";
import { rootCredentialsPath } from "../root-credentials.ts";
import { version } from "../version.ts";
import type { RootKey } from "./root-key.ts";

export interface BannerFacts {
  readonly address: Address;
  readonly consoleAddress: Address | null;
  readonly isTls: boolean;
  readonly geometry: Geometry;
  readonly driveCount: number;
  readonly missingCount: number;
  /** Of the cluster; null: one machine. */
  readonly cluster: { readonly hostCount: number; readonly driveCount: number; readonly noun: "host" | "drive" } | null;
  readonly isSameDevice: boolean;
  readonly rootKey: RootKey;
  readonly firstPlace: string;
  readonly region: string;
}

/** What a person sees when the server is ready. The generated key is shown by the first start only. */
export function renderBanner(facts: BannerFacts): string[] {
  const endpoint = urlOf(facts.address, facts.isTls);
  const lines = [
    "",
    `Kakera ${version}`,
    `  endpoint   ${endpoint}`,
    `  status     ${facts.consoleAddress === null ? "off" : urlOf(facts.consoleAddress, facts.isTls)}`,
    `  drives     ${facts.cluster === null ? describeDrives(facts) : describeCluster(facts, facts.cluster)}`,
    `  root key   ${describeRootKey(facts)}`,
  ];
  if (facts.isSameDevice) lines.push(`  note       SAME_DEVICE: the drives lie on one device: ${sameDeviceMeaning}`);
  if (facts.rootKey.isWellKnown) {
    lines.push(
      "  warning    DEFAULT_CREDENTIALS: everybody knows this root key: set KAKERA_ROOT_USER and KAKERA_ROOT_PASSWORD",
    );
  }
  lines.push("");
  if (facts.rootKey.source === "generated") lines.push(...renderSnippets(facts, endpoint), "");
  return lines;
}

/** "4, as 2+2: any 2 may be lost, 2.0x the size of the data" */
function describeDrives({ geometry, driveCount, missingCount }: BannerFacts): string {
  const { k, m } = geometry;
  const bears = m === 0 ? "none may be lost" : `any ${m} may be lost`;
  const missing = missingCount === 0 ? "" : `; ${missingCount} missing now`;
  return `${driveCount}, as ${formatGeometry(geometry)}: ${bears}, ${((k + m) / k).toFixed(1)}x the size of the data${missing}`;
}

/** "2 here, 6 on 3 hosts, as 2+1: any 1 host may be lost, 1.5x the size of the data" */
function describeCluster({ geometry, driveCount }: BannerFacts, cluster: NonNullable<BannerFacts["cluster"]>): string {
  const { k, m } = geometry;
  const bears = m === 0 ? "nothing may be lost" : `any ${m} ${cluster.noun}${m === 1 ? "" : "s"} may be lost`;
  const all = `${cluster.driveCount} on ${cluster.hostCount} host${cluster.hostCount === 1 ? "" : "s"}`;
  return `${driveCount} here, ${all}, as ${formatGeometry(geometry)}: ${bears}, ${((k + m) / k).toFixed(1)}x the size of the data`;
}

function describeRootKey({ rootKey, firstPlace }: BannerFacts): string {
  const { accessKey, secretKey } = rootKey.credentials;
  switch (rootKey.source) {
    case "generated":
      return `${accessKey} / ${secretKey}  (shown this once; kakera credentials show)`;
    case "kept":
      return `in ${firstPlace}/${rootCredentialsPath} (kakera credentials show)`;
    case "given":
      return `${accessKey} (from the environment)`;
  }
}

function renderSnippets(facts: BannerFacts, endpoint: string): string[] {
  const { accessKey, secretKey } = facts.rootKey.credentials;
  return [
    "  aws      " +
      `export AWS_ACCESS_KEY_ID=${accessKey} AWS_SECRET_ACCESS_KEY=${secretKey} AWS_DEFAULT_REGION=${facts.region}`,
    "           " + `aws --endpoint-url ${endpoint} s3 mb s3://first`,
    "  mc       " + `mc alias set kakera ${endpoint} ${accessKey} ${secretKey} && mc mb kakera/first`,
    "  rclone   " +
      `rclone config create kakera s3 provider=Other endpoint=${endpoint} region=${facts.region} ` +
      `access_key_id=${accessKey} secret_access_key=${secretKey}`,
    "  Milvus   " + "milvus.yaml:",
    "           minio:",
    `             address: ${hostOf(facts.address)}`,
    `             port: ${facts.address.port}`,
    `             accessKeyID: ${accessKey}`,
    `             secretAccessKey: ${secretKey}`,
    `             useSSL: ${facts.isTls}`,
    "             bucketName: a-bucket",
    "             cloudProvider: aws",
    `             region: ${facts.region}`,
  ];
}

/** The effective configuration: each value with where it came from. */
export function renderSettings(described: readonly DescribedSetting[]): string[] {
  const rows = described.map(({ name, value, origin }) => [`  ${name}`, value, origin]);
  return ["Configuration (value, and where it came from):", ...formatTable(rows)];
}

export function urlOf(address: Address, isTls: boolean): string {
  return `${isTls ? "https" : "http"}://${hostOf(address)}:${address.port}`;
}

/** Where all addresses are listened on, this machine's own is the one to paste. */
function hostOf({ host }: Address): string {
  if (host === "" || host === "0.0.0.0" || host === "::") return "127.0.0.1";
  return host.includes(":") ? `[${host}]` : host;
}
