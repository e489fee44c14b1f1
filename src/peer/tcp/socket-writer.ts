import type { Socket } from 'node:net';
import { timerTime } from '../../time/timer.ts';

/** Writes to a socket whose reader may be slow or asleep. */
export class SocketWriter {
  readonly #socket: Socket;
  readonly #timeout: number;
  readonly #stuck: () => void;

  /** `stuck` is called if the peer does not read what was written for `timeout` milliseconds. */
  constructor(socket: Socket, timeout: number, stuck: () => void) {
    this.#socket = socket;
    this.#timeout = timeout;
    this.#stuck = stuck;
  }

  write(bytes: Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  /** Resolves once there is room for more, also if the socket closes; undefined if there is, as nearly always. */
  flushed(): Promise<void> | undefined {
    const isFull = this.#socket.writableNeedDrain && !this.#socket.destroyed;
    return isFull ? this.#drained() : undefined;
  }

  async #drained(): Promise<void> {
    const timer = Number.isFinite(this.#timeout)
      ? setTimeout(this.#stuck, timerTime(this.#timeout))
      : undefined;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#socket.off('drain', done).off('close', done);
        resolve();
      };
      this.#socket.on('drain', done).on('close', done);
    });
    clearTimeout(timer);
  }
}
