import { once } from 'node:events';
import { connect } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';
import { vi } from 'vitest';

/** A connection that writes what it is told and keeps what it receives. */
export interface RawClient extends AsyncDisposable {
  /** Everything received, one character per byte. */
  readonly heard: string;
  /** Whether the other side has ended. */
  readonly closed: boolean;
  write(bytes: Uint8Array | string): void;
  /** Ends this side, after optional last bytes. */
  end(bytes?: Uint8Array | string): void;
  reset(): void;
  pause(): void;
  resume(): void;
  /** Resolves once exactly this has been received. */
  hears(text: string): Promise<void>;
  /** Resolves once the other side has ended. */
  left(): Promise<void>;
}

/** Connects to a port of this machine; `host` may be `::1`. */
export async function rawClient(
  port: number,
  { host = '127.0.0.1', tls }: { readonly host?: string; readonly tls?: ConnectionOptions } = {},
): Promise<RawClient> {
  const where = { port, host, allowHalfOpen: true };
  const socket = tls === undefined ? connect(where) : connectSecure({ ...where, ...tls });
  const state = { heard: '', closed: false };
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    state.heard += chunk.toString('latin1');
  });
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      state.closed = true;
      socket.end();
    });
  }
  await once(socket, tls === undefined ? 'connect' : 'secureConnect');
  const until = (met: () => boolean): Promise<unknown> =>
    vi.waitFor(
      () => {
        if (!met()) throw new Error(`heard ${JSON.stringify(state.heard.slice(0, 500))} so far`);
      },
      { timeout: 10_000, interval: 5 },
    );
  return {
    get heard() {
      return state.heard;
    },
    get closed() {
      return state.closed;
    },
    write: (bytes) => void socket.write(bytes),
    end: (bytes = '') => void socket.end(bytes),
    reset: () => void socket.resetAndDestroy(),
    pause: () => void socket.pause(),
    resume: () => void socket.resume(),
    hears: async (text) => void (await until(() => state.heard === text)),
    left: async () => void (await until(() => state.closed)),
    async [Symbol.asyncDispose]() {
      if (socket.destroyed) return;
      const closed = once(socket, 'close');
      socket.destroy();
      await closed;
    },
  };
}
