import {
  DAY_MS,
  GIB,
  HOUR_MS,
  KIB,
  MIB,
  MINUTE_MS,
  parseGeometry,
  SECOND_MS,
  TIB,
  type Geometry,
} from "@kakera/kernel";

/** A value that a setting does not take; `expected` finishes the sentence "... is not". */
export class InvalidValue extends Error {
  override readonly name = "InvalidValue";
  constructor(expected: string) {
    super(expected);
  }
}

/** Where to listen or whom to call. `host` "" = all addresses. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** ":9000", "10.0.0.1:9000", "[::1]:9000", "node1:9000". */
export function parseAddress(text: string): Address {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]/\s]*)):(\d{1,5})$/.exec(text);
  const port = Number(match?.[3]);
  if (match === null || port > 65_535) throw new InvalidValue("HOST:PORT or :PORT");
  return { host: match[1] ?? match[2] ?? "", port };
}

export function formatAddress(address: Address): string {
  return `${address.host.includes(":") ? `[${address.host}]` : address.host}:${address.port}`;
}

/** As parseAddress; "off" -> null. */
export function parseAddressOrOff(text: string): Address | null {
  return isOff(text) ? null : parseAddress(text);
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND_MS,
  m: MINUTE_MS,
  h: HOUR_MS,
  d: DAY_MS,
  w: 7 * DAY_MS,
};

/** "30s", "1h30m", "7d" -> milliseconds. */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)];
  if (parts.length === 0 || parts.map((part) => part[0]).join("") !== text)
    throw new InvalidValue("a duration such as 30s, 10m or 7d");
  return parts.reduce((sum, part) => sum + Number(part[1]) * (durationUnits[part[2] as string] as number), 0);
}

const sizeUnits: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: KIB,
  m: MIB,
  g: GIB,
  t: TIB,
  kib: KIB,
  mib: MIB,
  gib: GIB,
  tib: TIB,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
};

/** "512MiB", "2G", "1000000" -> bytes. KB, MB, GB are powers of ten; K, M, G and KiB, MiB, GiB of two. */
export function parseSize(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  const unit = sizeUnits[match?.[2]?.toLowerCase() ?? "?"];
  if (match === null || unit === undefined) throw new InvalidValue("a size such as 512MiB or 2G");
  return Math.floor(Number(match[1]) * unit);
}

export function parseSwitch(text: string): boolean {
  if (/^(1|true|on|yes|enable|enabled)$/i.test(text)) return true;
  if (isOff(text)) return false;
  throw new InvalidValue("on or off");
}

/** "off" in the words that people use for it. */
export function isOff(text: string): boolean {
  return /^(0|false|off|no|disable|disabled)$/i.test(text);
}

export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new InvalidValue("a whole number above 0");
  return Number(text);
}

/** Each reads the view's file, of which LMDB lets 126 readers read at once. */
const processesMax = 100;

/** "auto" is for the machine to say. */
export function parseProcesses(text: string): number | "auto" {
  if (text.toLowerCase() === "auto") return "auto";
  const count = parseCount(text);
  if (count > processesMax) throw new InvalidValue(`a whole number up to ${processesMax}`);
  return count;
}

/** How chunks are coded: exactly so, or with so many parity shards whatever the number of drives (MinIO's "EC:M"). */
export type GeometryWish =
  | { readonly kind: "exact"; readonly geometry: Geometry }
  | { readonly kind: "parity"; readonly m: number };

export function parseGeometryWish(text: string): GeometryWish {
  const parity = /^EC:(\d{1,2})$/i.exec(text);
  if (parity !== null) return { kind: "parity", m: Number(parity[1]) };
  const geometry = parseGeometry(text);
  if (geometry === null) throw new InvalidValue("K+M, such as 4+2");
  return { kind: "exact", geometry };
}

/** One of `names`, in any case. */
export function parseChoice<const Name extends string>(names: readonly Name[]): (text: string) => Name {
  return (text) => {
    const found = names.find((name) => name === text.toLowerCase());
    if (found === undefined) throw new InvalidValue(names.join(" or "));
    return found;
  };
}

/** An address block, e.g. 10.0.0.0/8 or fd00::/8; a single address is a block of one. */
export function parseAddressBlock(text: string): string {
  const match = /^([0-9a-fA-F:.]+)(?:\/(\d{1,3}))?$/.exec(text);
  const isVersion6 = match?.[1]?.includes(":") === true;
  const isVersion4 = /^\d{1,3}(\.\d{1,3}){3}$/.test(match?.[1] ?? "");
  const bitsMax = isVersion6 ? 128 : 32;
  if (match === null || !(isVersion6 || isVersion4) || Number(match[2] ?? 0) > bitsMax) {
    throw new InvalidValue("an address block such as 10.0.0.0/8");
  }
  return match[2] === undefined ? `${text}/${bitsMax}` : text;
}

export function parseEtcdUrl(text: string): string {
  if (!/^https?:\/\/[^/@\s]+\/?$/.test(text)) throw new InvalidValue("a URL such as http://127.0.0.1:2379");
  return text.replace(/\/$/, "");
}

/** Without user and password in it: URLs are shown. */
export function parseHttpUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isPlain = url !== null && /^https?:$/.test(url.protocol) && url.username === "" && url.password === "";
  if (!isPlain) throw new InvalidValue("a URL such as https://HOST/PATH, without a password in it");
  return text;
}
