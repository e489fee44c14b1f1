import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure } from 'node:tls';
import { vi } from 'vitest';
import type { Seen } from './open-adapter.ts';

/** A sender that writes what it is told and keeps the answers. */
export interface MllpSender extends AsyncDisposable {
  readonly socket: Socket;
  /** Bodies of the answers, without the framing. */
  readonly answers: string[];
  /** Whether the other side closed. */
  readonly closed: boolean;
  write(bytes: Uint8Array): void;
  /** Sends one message with MLLP framing. */
  send(body: Uint8Array | string): void;
  /** `AA|N1` for each answer: MSA-1 and MSA-2. */
  codes(): string[];
  /** Resolves once there are this many answers. */
  answered(count: number): Promise<void>;
}

export function inMllp(body: Uint8Array | string): Buffer {
  return Buffer.concat([Buffer.of(0x0b), Buffer.from(body), Buffer.of(0x1c, 0x0d)]);
}

export async function mllpSender(port: number, tls?: ConnectionOptions): Promise<MllpSender> {
  const where = { port, host: '127.0.0.1', allowHalfOpen: true };
  const socket = tls === undefined ? connect(where) : connectSecure({ ...where, ...tls });
  const state = { answers: [] as string[], closed: false, rest: '' };
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    state.rest += chunk.toString('latin1');
    const parts = state.rest.split('\u001c\r');
    state.rest = parts.pop() ?? '';
    state.answers.push(...parts.map((part) => part.replace('\u000b', '')));
  });
  socket.on('end', () => {
    state.closed = true;
    socket.end();
  });
  socket.on('close', () => {
    state.closed = true;
  });
  await once(socket, tls === undefined ? 'connect' : 'secureConnect');
  return {
    socket,
    answers: state.answers,
    get closed() {
      return state.closed;
    },
    write: (bytes) => void socket.write(bytes),
    send: (body) => void socket.write(inMllp(body)),
    codes: () => state.answers.map(codeOf),
    answered: (count) =>
      vi.waitFor(
        () => {
          if (state.answers.length < count)
            throw new Error(`${state.answers.length} answers so far`);
        },
        { timeout: 10_000, interval: 5 },
      ),
    async [Symbol.asyncDispose]() {
      if (socket.destroyed) return;
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy();
      await closed;
    },
  };
}

function codeOf(answer: string): string {
  const msa = /[\r\n]MSA(.)([A-Z]{2})\1([^\r]*)/.exec(answer);
  const [, separator = '|', code = '', rest = ''] = msa ?? [];
  return `${code}|${rest.split(separator)[0] ?? ''}`;
}

/** The port of a listening adapter, from its report to the engine. */
export function portOf({ states }: Pick<Seen, 'states'>): number {
  const listening = states.findLast(({ state }) => state === 'listening');
  return Number(/:(\d+)$/.exec(listening?.detail ?? '')?.[1]);
}
