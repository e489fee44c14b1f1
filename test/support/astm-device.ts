import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type ConnectionOptions, connect as connectSecure, type TlsOptions } from 'node:tls';
import { vi } from 'vitest';
import { type PeerPort, peerPort } from './peer-port.ts';

const [ENQ, ACK, NAK, EOT] = ['\x05', '\x06', '\x15', '\x04'];
const [STX, ETX, ETB] = ['\x02', '\x03', '\x17'];

/** A frame of E1381, implemented independently: number, text, ETX or ETB, checksum. */
export function frame(number: number, text: string, end: '\x03' | '\x17' = '\x03'): string {
  const counted = `${number}${text}${end}`;
  let sum = 0;
  for (const byte of Buffer.from(counted, 'latin1')) sum += byte;
  const checksum = (sum & 0xff).toString(16).toUpperCase();
  return `\x02${counted}${checksum.length === 1 ? '0' : ''}${checksum}\r\n`;
}

const FRAME = new RegExp(
  String.raw`^${STX}([0-7])([^${STX}${ETX}${ETB}]*)[${ETX}${ETB}][0-9A-F]{2}\r\n`,
);

/** The frames of a message: one per record, in pieces of 240. */
export function frames(message: string): string[] {
  const pieces = message
    .split('\r')
    .filter((record) => record !== '')
    .flatMap((record) => {
      const text = `${record}\r`;
      const cuts = Math.ceil(text.length / 240);
      return Array.from({ length: cuts }, (_, n) => ({
        text: text.slice(n * 240, (n + 1) * 240),
        end: n === cuts - 1 ? ('\x03' as const) : ('\x17' as const),
      }));
    });
  return pieces.map(({ text, end }, n) => frame((n + 1) % 8, text, end));
}

/** A result from an analyser. */
export const result = (id: string, more = ''): string =>
  `H|\\^&|${id}||LAB^1|||||||P|LIS2-A2|20260101120000\rP|1||4711||Doe^Jane\rO|1|S${id}||^^^GLU|R\rR|1|^^^GLU|5.4|mmol/L||N||F\r${more}L|1|N\r`;

/** A device's answer to a frame, by its text and number. */
type OnFrame = (text: string, count: number) => string;

/** One side of a link, without any of the code under test. */
export interface AstmSide extends AsyncDisposable {
  /** Complete messages it has received, in order. */
  readonly received: string[];
  /** Everything it received, one character per byte. */
  readonly heard: string;
  readonly closed: boolean;
  write(text: string): void;
  /** Sends a message like a device, each frame until it is accepted. Resolves to the last answer. */
  send(message: string): Promise<string>;
  /** The next answer while it sends. */
  said(): Promise<string>;
  onFrame(answer: OnFrame): void;
  onEnq(answer: string): void;
  end(): void;
  reset(): void;
  readonly socket: Socket;
}

/** Speaks E1381 on a socket. */
function astmSide(socket: Socket): AstmSide {
  const received: string[] = [];
  const answers: string[] = [];
  const state = {
    heard: '',
    rest: '',
    closed: false,
    sending: false,
    receiving: false,
    message: '',
    count: 0,
  };
  let onFrame: OnFrame = () => ACK;
  let enqAnswer: string = ACK;
  const write = (text: string): void => {
    if (socket.writable) socket.write(Buffer.from(text, 'latin1'));
  };
  const answer = (sign: string): void => {
    if (sign !== '') write(sign);
  };
  const takeFrame = (text: string): void => {
    state.count += 1;
    const sign = onFrame(text, state.count);
    if (sign === ACK || sign === EOT) state.message += text;
    if (/^L|\rL/.test(text)) {
      received.push(state.message);
      state.message = '';
    }
    answer(sign);
  };
  const take = (): void => {
    for (;;) {
      const [sign = ''] = state.rest;
      const whole = FRAME.exec(state.rest);
      if (whole !== null) {
        state.rest = state.rest.slice(whole[0].length);
        takeFrame(whole[2] ?? '');
      } else if (sign === ACK || sign === NAK || (sign === EOT && state.sending)) {
        state.rest = state.rest.slice(1);
        answers.push(sign);
      } else if (sign === ENQ) {
        state.rest = state.rest.slice(1);
        if (state.sending) answers.push(ENQ);
        else {
          state.receiving = enqAnswer === ACK;
          answer(enqAnswer);
        }
      } else if (sign === EOT) {
        state.rest = state.rest.slice(1);
        state.message = '';
        state.receiving = false;
      } else return;
    }
  };
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    state.heard += chunk.toString('latin1');
    state.rest += chunk.toString('latin1');
    take();
  });
  for (const event of ['end', 'close']) {
    socket.on(event, () => {
      state.closed = true;
      socket.end();
    });
  }
  const said = async (): Promise<string> =>
    await vi.waitFor(
      () => {
        const sign = answers.shift();
        if (sign !== undefined) return sign;
        if (state.closed) return 'closed';
        throw new Error('nothing was said');
      },
      { timeout: 10_000, interval: 2 },
    );
  return {
    received,
    socket,
    get heard() {
      return state.heard;
    },
    get closed() {
      return state.closed;
    },
    write,
    said,
    async send(message) {
      await vi.waitUntil(() => !state.receiving && !state.sending, {
        timeout: 10_000,
        interval: 1,
      });
      state.sending = true;
      try {
        write(ENQ);
        const agreed = await said();
        if (agreed !== ACK) return agreed;
        for (const one of frames(message)) {
          let sign = NAK;
          for (let left = 6; left > 0 && sign === NAK; left--) {
            write(one);
            sign = await said();
          }
          if (sign !== ACK) {
            write(EOT);
            return sign;
          }
        }
        write(EOT);
        return ACK;
      } finally {
        state.sending = false;
      }
    },
    onFrame(next) {
      onFrame = next;
    },
    onEnq(next) {
      enqAnswer = next;
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    async [Symbol.asyncDispose]() {
      if (socket.destroyed) return;
      const gone = once(socket, 'close');
      socket.destroy();
      await gone;
    },
  };
}

/** A device that connects. */
export async function astmDevice(port: number, tls?: ConnectionOptions): Promise<AstmSide> {
  const where = { port, host: '127.0.0.1', allowHalfOpen: true };
  const socket = tls === undefined ? connect(where) : connectSecure({ ...where, ...tls });
  const side = astmSide(socket);
  await once(socket, tls === undefined ? 'connect' : 'secureConnect');
  return side;
}

/** A device that listens, for one connection after another. */
export interface AstmServer extends PeerPort {
  readonly sides: AstmSide[];
  /** Messages of all connections. */
  readonly received: Buffer[];
  /** Called with each connection before anything is read. */
  each(set: (side: AstmSide) => void): void;
}

export async function astmServer(tls?: TlsOptions): Promise<AstmServer> {
  const sides: AstmSide[] = [];
  const received: Buffer[] = [];
  let set: ((side: AstmSide) => void) | undefined;
  const serve = (socket: Socket): void => {
    const side = astmSide(socket);
    // received messages are in one list for all connections
    side.received.push = (...messages) =>
      received.push(...messages.map((one) => Buffer.from(one, 'latin1')));
    set?.(side);
    sides.push(side);
  };
  const at = await peerPort(serve, tls);
  return {
    ...at,
    sides,
    received,
    each(next) {
      set = next;
      for (const side of sides) next(side);
    },
  };
}
