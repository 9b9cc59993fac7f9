import { frameAsAwsCpp, frameAsAwsCppTrailer } from "../../bench/milvus/stacks/aws-cpp.ts";
import type { Unframed } from "../../bench/milvus/stacks/framing.ts";
import { frameAsMinioGo } from "../../bench/milvus/stacks/minio-go.ts";
import { createStack, fieldOf } from "../../bench/milvus/stacks/stack.ts";
import type { Credentials } from "../../bench/milvus/stacks/signature.ts";
import { payloadOf } from "../../bench/milvus/content.ts";
import { testCredentials } from "../harness/server.ts";

export interface StackAnswer {
  readonly status: number;
  readonly text: string;
  readonly bytes: Buffer;
  /** Null: there is no such header. */
  field(name: string): string | null;
}

export interface StackRequest extends Omit<Unframed, "payload"> {
  readonly body?: Buffer | string;
}

/** One of the client libraries of a Milvus process, as it is on the wire. */
export interface TestStack {
  send(request: StackRequest): Promise<StackAnswer>;
  /** Ends its connections. */
  rest(): void;
}

const framings = { go: frameAsMinioGo, cpp: frameAsAwsCpp, "cpp 3.0": frameAsAwsCppTrailer } as const;
export type StackName = keyof typeof framings;
export const stackNames = Object.keys(framings) as StackName[];

export function openStack(name: StackName, endpoint: string, credentials: Credentials = testCredentials): TestStack {
  const stack = createStack(endpoint, credentials, framings[name]);
  return {
    async send({ body, ...request }) {
      const reply = await stack.send({ ...request, ...(body === undefined ? {} : { payload: payloadOf(body) }) });
      const bytes = reply.body ?? Buffer.alloc(0);
      return { status: reply.status, text: bytes.toString(), bytes, field: (header) => fieldOf(reply, header) };
    },
    rest: () => stack.rest(),
  };
}

/** The text of an element; "" when it is not there. */
export function elementOf(xml: string, name: string): string {
  return new RegExp(`<${name}>([^<]*)</${name}>`).exec(xml)?.[1] ?? "";
}

export function keysIn(xml: string): string[] {
  return [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => key as string);
}
