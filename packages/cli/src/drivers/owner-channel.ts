import { Socket } from "node:net";
import type { Clock } from "@kakera/kernel";
import { openFrames, type ProcessChannel } from "./frame-socket.ts";

/** See startSibling. */
const channelDescriptor = 3;

/** The channel to the process that started this one; null: nobody did. */
export function openOwnerChannel(clock: Clock): ProcessChannel | null {
  try {
    return openFrames(new Socket({ fd: channelDescriptor, readable: true, writable: true }), clock);
  } catch {
    return null;
  }
}
