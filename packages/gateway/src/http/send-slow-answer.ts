import { SECOND_MS, type Timer } from "@kakera/kernel";
import { renderErrorXml, toS3Error } from "@kakera/s3";
import type { Answer } from "../answer.ts";
import type { Exchange } from "./exchange.ts";
import { bytesAtHand, completeHead, endResponse, fateOfConnection } from "./end-response.ts";

/** Milvus' C++ client cuts an answer that makes no progress for 10 s. */
const silenceMsMax = 4 * SECOND_MS;
const declaration = `<?xml version="1.0" encoding="UTF-8"?>\n`;

/**
 * Copy and Complete of large objects: work that ends soon is answered with its own status; work that takes longer gets its
 * 200 and the XML declaration early and a space now and then, and a failure becomes an Error root inside the 200, as AWS
 * does it and every SDK expects of these operations.
 * Rejects with what `work` threw while nothing had been sent.
 */
export async function sendSlowAnswer(exchange: Exchange, answer: Answer & { kind: "slow" }): Promise<number> {
  const { response, clock } = exchange;
  // Without a length only the end of the response marks its end, so there is no lingering.
  const fate = fateOfConnection(exchange) === "keep" ? "keep" : "close";
  let timer: Timer;
  const beat = (): void => {
    if (response.destroyed) return;
    if (!response.headersSent) {
      response.writeHead(
        200,
        completeHead(exchange, ["Content-Type", "application/xml", ...answer.headers], { lengthBytes: null, fate }),
      );
      response.write(declaration);
    } else {
      response.write(" ");
    }
    timer = clock.setTimer(silenceMsMax, beat);
  };
  timer = clock.setTimer(silenceMsMax, beat);
  try {
    const result = await answer.work();
    if (response.destroyed) return 200;
    const xml = Buffer.from(response.headersSent ? withoutDeclaration(result.body) : result.body, "utf8");
    if (!response.headersSent) {
      const headers = ["Content-Type", "application/xml", ...answer.headers, ...result.headers];
      response.writeHead(200, completeHead(exchange, headers, { lengthBytes: xml.byteLength, fate }));
    }
    endResponse(exchange, bytesAtHand(xml), fate);
    return 200;
  } catch (failure) {
    if (!response.headersSent) throw failure;
    const error = toS3Error(failure);
    const context = { resource: exchange.request.url ?? "", requestId: exchange.requestId, hostId: exchange.hostId };
    endResponse(exchange, bytesAtHand(withoutDeclaration(renderErrorXml(error, context))), fate);
    return error.status;
  } finally {
    timer.cancel();
  }
}

/** It went out with the head. */
function withoutDeclaration(xml: string): string {
  return xml.startsWith("<?xml") ? xml.slice(xml.indexOf("?>") + 2).trimStart() : xml;
}
