import { once } from 'node:events';
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { readAcknowledgement } from '../document/index.ts';
import { describeError, EngineError } from '../error/engine-error.ts';

export interface MllpClientOptions {
  readonly host: string;
  readonly port: number;
  readonly tls?:
    | {
        readonly trust?: string | undefined;
        readonly certificate?: string | undefined;
        readonly key?: string | undefined;
        readonly serverName?: string | undefined;
      }
    | undefined;
  /** Milliseconds to wait for an acknowledgement. */
  readonly timeout?: number;
}

/** A sender of the command line and the demo: one connection, one message in flight. */
export interface MllpClient {
  /** Sends a message and returns the code of its acknowledgement (`AA`), or `none` where it has none. */
  send(message: Uint8Array): Promise<string>;
  close(): void;
}

const START = Buffer.of(0x0b);
const END = Buffer.of(0x1c, 0x0d);

export async function mllpClient(options: MllpClientOptions): Promise<MllpClient> {
  const { host, port, timeout = 60_000 } = options;
  const place = `${host}:${port}`;
  const socket = await dial(options, place);
  let rest: Buffer = Buffer.alloc(0);
  let waiting: PromiseWithResolvers<Buffer> | undefined;
  let failure: EngineError | undefined;
  const fail = (why: string): void => {
    failure ??= new EngineError('ADAPTER_NOT_CONNECTED', `${place} ${why}`, { retryable: true });
    waiting?.reject(failure);
  };
  socket.on('error', (error) => fail(`failed: ${describeError(error).text}`));
  socket.on('close', () => fail('closed the connection'));
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    const end = rest.indexOf(END);
    if (end < 0) return;
    const answer = rest.subarray(rest.indexOf(START) + 1, end);
    rest = rest.subarray(end + END.byteLength);
    waiting?.resolve(answer);
  });
  return {
    async send(message) {
      if (failure !== undefined) throw failure;
      waiting = Promise.withResolvers();
      const timer = setTimeout(() => {
        fail(`did not acknowledge within ${timeout / 1_000} s`);
        socket.destroy();
      }, timeout);
      try {
        socket.write(Buffer.concat([START, message, END]));
        return readAcknowledgement(await waiting.promise).code ?? 'none';
      } finally {
        clearTimeout(timer);
        waiting = undefined;
      }
    },
    close: () => socket.destroy(),
  };
}

async function dial({ host, port, tls }: MllpClientOptions, place: string): Promise<Socket> {
  try {
    if (tls === undefined) {
      const socket = connectPlain({ host, port, noDelay: true });
      await once(socket, 'connect');
      return socket;
    }
    const socket = connectTls({
      host,
      port,
      ...(tls.trust === undefined ? {} : { ca: tls.trust }),
      ...(tls.certificate === undefined ? {} : { cert: tls.certificate }),
      ...(tls.key === undefined ? {} : { key: tls.key }),
      ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    });
    await once(socket, 'secureConnect');
    socket.setNoDelay(true);
    return socket;
  } catch (error) {
    throw new EngineError(
      'ADAPTER_NOT_CONNECTED',
      `${place} cannot be reached: ${describeError(error).text}`,
      { retryable: true },
    );
  }
}
