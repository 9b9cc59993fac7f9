import { readChain, type Copies } from "../journal/read-chain.ts";
import { planRefill } from "../journal/rules.ts";
import type { ViewPosition } from "../ports/view.ts";
import type { ArchiveMember } from "./archive-member.ts";
import type { ArchiveChain } from "./find-archive.ts";
import type { ArchiveScan } from "./scan-archive.ts";

/** A single group is one write, so only a drive's last one may be readable and yet not durable. */
const lastWriteOnly = 0;

/**
 * Makes a member whole up to the end of the chain, from what it holds itself and what others hold, durably. It needs a
 * checkpoint of its own for that; without one it stays bare. Rejects with what a drive said.
 */
export async function refillArchive(
  member: ArchiveMember,
  own: ArchiveScan,
  from: { readonly chain: ArchiveChain; readonly position: ViewPosition; readonly copies: Copies },
): Promise<void> {
  const { chain, position, copies } = from;
  const bases = chain.bases.map(({ located }) => located).filter((one) => own.checkpoints.includes(one));
  const [base] = bases;
  if (base === undefined) return;
  const groups = chain.links.map(({ group }) => group);
  const behind = chain.links.findIndex(({ until }) => until > base.from.sequence);
  const firstIndex = behind < 0 ? groups.length : behind;
  const held = new Set(own.groups.map((group) => group.checksum));
  const start = planRefill(groups, held, { firstIndex, writeBytesMax: lastWriteOnly });
  for await (const { header, bytes } of readChain(groups.slice(start), copies))
    await member.folder.append(bytes, header.sequence);
  member.becomeWhole(position, bases.toReversed());
  member.bytesBehindBase = groups.slice(firstIndex).reduce((sum, group) => sum + group.bytes, 0);
}
