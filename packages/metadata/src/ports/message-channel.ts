/** A way to another process of this server: messages arrive whole, once, in order, until it closes. */
export interface MessageChannel {
  /** Hands a message over to be sent; what is sent within one turn of the event loop may leave together. Nothing happens once it is closed. */
  send(message: Uint8Array): void;
  /** Calls `receive` for each message; it lives until `receive` returns. */
  onMessage(receive: (message: Buffer) => void): void;
  /** Calls `closed` once, when nothing comes any more: the other process ended, or was given up. */
  onClosed(closed: () => void): void;
}
