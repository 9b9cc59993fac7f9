import { ClusterFailure, createSystemRandom, systemClock } from "@kakera/kernel";
import { CommandFailure, formatFailure, usageFailure } from "../command-failure.ts";
import { keepCertificate } from "../drivers/certificates.ts";
import { endProcess } from "../drivers/end-process.ts";
import { watchEventLoopLag } from "../drivers/event-loop-lag.ts";
import { createListener, listen, type Listener } from "../drivers/http-listener.ts";
import { openOwnerChannel } from "../drivers/owner-channel.ts";
import { createPinoLogger, type ServerLogger } from "../drivers/pino-logger.ts";
import { createPromMeter } from "../drivers/prom-meter.ts";
import type { ProcessSignals } from "../drivers/process-signals.ts";
import { exitCodes } from "../exit-codes.ts";
import { keepTracing } from "../compose/keep-tracing.ts";
import { keepAudit } from "../compose/keep-audit.ts";
import { composeSibling } from "./compose-sibling.ts";
import { ControlLink } from "./control-link.ts";
import type { Beginning, Drain, Reload } from "./told.ts";

/**
 * The life of a process that a server has started beside itself: it serves S3 until the server says otherwise, and ends at once when
 * that is gone: nothing that it could answer would be true for long.
 */
export async function runSibling(signals: ProcessSignals): Promise<never> {
  // A supervisor may tell every process of a group to stop: this one does when its owner says so.
  signals.leaveToOwner();
  const clock = systemClock;
  const channel = openOwnerChannel(clock);
  if (channel === null) {
    const failure = usageFailure("only a server starts a sibling", "kakera server --processes N");
    process.stderr.write(`${formatFailure(failure)}\n`);
    endProcess(exitCodes.usage);
  }
  channel.control.onClosed(() => endProcess(exitCodes.done));
  const link = new ControlLink(channel.control, clock);
  const beginning = Promise.withResolvers<Beginning>();
  const begun = Promise.withResolvers<null>();
  link.on("begin", (value: Beginning) => {
    beginning.resolve(value);
    return begun.promise;
  });
  const { server, ...rest } = await beginning.promise;
  const { index } = rest;
  const pino = createPinoLogger({ level: server.logLevel, format: server.logFormat ?? "json" });
  const logger: ServerLogger = {
    ...pino,
    log: (level, event, fields) => pino.log(level, event, { process: index, ...fields }),
  };
  const listeners: Listener[] = [];
  const certificate =
    server.certsDir === null
      ? null
      : keepCertificate(
          { flag: "--certs-dir", directory: server.certsDir },
          {
            clock,
            logger,
            renewed: (tls) => {
              for (const listener of listeners) listener.renew(tls);
            },
          },
        );
  const failed = (failure: unknown): never => {
    if (!(failure instanceof ClusterFailure) && !(failure instanceof CommandFailure)) throw failure;
    logger.log("error", "process.not-begun", { error: failure });
    endProcess(exitCodes.unreachable);
  };
  const metrics = createPromMeter();
  const random = createSystemRandom();
  const audit = keepAudit(server, { clock, logger, meter: metrics.meter });
  const tracing = keepTracing(server.tracing, { clock, random, logger, meter: metrics.meter });
  const { gateway } = await composeSibling(
    {
      log: channel.log,
      link,
      clock,
      random,
      logger,
      metrics,
      audit,
      tracing,
      eventLoopLagSeconds: watchEventLoopLag(clock).p99Seconds,
    },
    { server, ...rest },
  ).catch(failed);
  const listener = createListener(certificate?.current ?? null);
  gateway.attach(listener.server);
  listeners.push(listener);
  await listen(listener.server, server.address, "with others").catch(failed);
  link.on("reload", ({ logLevel }: Reload) => {
    certificate?.reload();
    audit?.reopen();
    pino.setLevel(logLevel);
  });
  link.on("drain", async ({ timeoutMs }: Drain) => {
    const cutOff = await gateway.drain(timeoutMs);
    await Promise.all([audit?.close(), tracing?.close()]);
    return cutOff;
  });
  begun.resolve(null);
  return new Promise<never>(() => {});
}
