import { ClusterFailure } from "@kakera/kernel";
import { calls } from "@kakera/protocol";
import type { NodeReports } from "../../node-reports.ts";
import { answerHeaderBytesMax } from "../../wire/call-limits.ts";
import { callHandler, type CallHandler } from "./call-handler.ts";

export function reportCall(reports: NodeReports): CallHandler {
  return callHandler(
    (header) => {
      const { name, question } = calls.ReportCall.decode(header);
      return { name, question: JSON.parse(Buffer.from(question).toString()) as unknown };
    },
    async ({ name, question }, { signal }) => {
      const report = reports.get(name);
      if (report === undefined) throw new ClusterFailure("retry", `no report ${name} here`, { reason: "VERSION_SKEW" });
      const told = Buffer.from(JSON.stringify((await report(question, signal)) ?? null));
      const header = calls.ReportAnswer.encode({ report: told }).finish();
      if (header.byteLength > answerHeaderBytesMax) throw new ClusterFailure("retry", `the report ${name} is too long`);
      return { header };
    },
  );
}
