import type { Machine } from "./machine.ts";
import type { World } from "./world.ts";

/** What a message meets on its way now. */
interface Weather {
  lossShare: number;
  /** Of messages that take long. */
  delayShare: number;
  delayMsMax: number;
}

/** What is late of the messages from one machine to another. */
interface Hold {
  readonly share: number;
  readonly msMax: number;
}

export interface Channel {
  send(deliver: () => void): "sent" | "lost";
}

const calm: Weather = { lossShare: 0, delayShare: 0, delayMsMax: 0 };

/** Messages between machines: each takes some time, may be late or lost, and does not pass where the way is cut. */
export class Network {
  readonly #world: World;
  readonly #cuts = new Map<string, number>();
  readonly #holds = new Map<string, Hold>();
  #weather: Weather = { ...calm };

  constructor(world: World) {
    this.#world = world;
  }

  /** Hands `deliver` to `to`, unless the message is lost: then nothing happens, as where a packet is dropped. */
  send(from: Machine, to: Machine, deliver: () => void): "sent" | "lost" {
    if (this.#isLost(from, to)) return "lost";
    to.later(this.#delayMs(from, to), deliver);
    return "sent";
  }

  /** Messages in one direction that do not pass each other, as on one connection. */
  channel(from: Machine, to: Machine): Channel {
    let lastMs = 0;
    return {
      send: (deliver) => {
        if (this.#isLost(from, to)) return "lost";
        const { time } = this.#world;
        lastMs = Math.max(lastMs, time.nowMs + this.#delayMs(from, to));
        to.later(lastMs - time.nowMs, deliver);
        return "sent";
      },
    };
  }

  #isLost(from: Machine, to: Machine): boolean {
    const world = this.#world;
    if (from.isDead || to.isDead) return true;
    if (this.isCut(from, to)) {
      world.fired("link-cut");
      return true;
    }
    if (!world.chance(this.#weather.lossShare)) return false;
    world.fired("message-loss");
    world.note(`lost ${from.name} > ${to.name}`);
    return true;
  }

  /** How long a message takes now. */
  #delayMs(from: Machine, to: Machine): number {
    const world = this.#world;
    const usual = world.between(0.05, 0.6);
    const hold = this.#holds.get(`${from.name}>${to.name}`);
    const [share, msMax] =
      hold === undefined ? [this.#weather.delayShare, this.#weather.delayMsMax] : [hold.share, hold.msMax];
    if (!world.chance(share)) return usual;
    world.fired("message-delay");
    return usual + world.between(0, msMax);
  }

  /** Of what one machine sends to another from now on some is late, whatever the weather; null: as of others. */
  hold(from: string, to: string, hold: Hold | null): void {
    if (hold === null) this.#holds.delete(`${from}>${to}`);
    else this.#holds.set(`${from}>${to}`, hold);
  }

  isCut(a: Machine, b: Machine): boolean {
    return (this.#cuts.get(linkOf(a.name, b.name)) ?? 0) > 0;
  }

  cut(a: string, b: string): void {
    const link = linkOf(a, b);
    this.#cuts.set(link, (this.#cuts.get(link) ?? 0) + 1);
  }

  mend(a: string, b: string): void {
    const link = linkOf(a, b);
    this.#cuts.set(link, (this.#cuts.get(link) ?? 1) - 1);
  }

  setWeather(weather: Partial<Weather>): void {
    this.#weather = { ...this.#weather, ...weather };
  }

  calmDown(): void {
    this.#weather = { ...calm };
    this.#cuts.clear();
    this.#holds.clear();
  }
}

function linkOf(a: string, b: string): string {
  return a < b ? `${a}|${b}` : `${b}|${a}`;
}
