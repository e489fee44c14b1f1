import type { Socket } from 'node:net';
import type { TlsOptions } from 'node:tls';
import { type PeerPort, peerPort } from './peer-port.ts';

/** What a scripted peer does with a received message: bytes to write, or a function. */
export type Script = (body: string, socket: Socket, count: number) => Uint8Array | undefined;

/** The first message in the received data, and the rest; undefined if none is complete. */
export type Cut = (bytes: Buffer) => { readonly body: Buffer; readonly rest: Buffer } | undefined;

/** Our own receiver: correct in its framing, and as badly behaved as a test wants. */
export interface FramedPeer extends PeerPort {
  /** The complete messages that arrived, in order. */
  readonly received: Buffer[];
  /** Connections made so far. */
  readonly connections: number;
  /** Sets what happens with the messages from now on. */
  script(next: Script): void;
  /** Sends answers held back by `hold`. */
  release(): void;
  hold(): void;
}

/** @param first what happens with messages until `script` says otherwise */
export async function framedPeer(cut: Cut, first: Script, tls?: TlsOptions): Promise<FramedPeer> {
  const received: Buffer[] = [];
  let script = first;
  let connections = 0;
  let held: (() => void)[] | undefined;

  const serve = (socket: Socket): void => {
    connections += 1;
    socket.on('error', () => undefined);
    let rest: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let found = cut(rest); found !== undefined; found = cut(rest)) {
        const { body } = found;
        ({ rest } = found);
        received.push(body);
        const count = received.length;
        const answer = (): void => {
          const bytes = script(body.toString('latin1'), socket, count);
          if (bytes !== undefined && !socket.destroyed) socket.write(bytes);
        };
        if (held === undefined) answer();
        else held.push(answer);
      }
    });
  };
  const at = await peerPort(serve, tls);
  const release = (): void => {
    const waiting = held ?? [];
    held = undefined;
    for (const answer of waiting) answer();
  };
  return {
    ...at,
    received,
    get connections() {
      return connections;
    },
    script(next) {
      script = next;
    },
    hold() {
      held ??= [];
    },
    release,
  };
}
