import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { hasModule, PYTHON } from './soap-service.ts';

/** Why tests against the library websockets are skipped; undefined where they run. */
export const noWebsockets: string | undefined = hasModule('websockets')
  ? undefined
  : 'python3-websockets is not installed';

/** A message as it came over a WebSocket. */
export interface Framed {
  readonly text: boolean;
  readonly body: Buffer;
}

export interface Call {
  readonly url: string;
  readonly messages: readonly (string | Buffer)[];
  /** How many messages it waits for. */
  readonly answers: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly subprotocols?: readonly string[];
  readonly compress?: boolean;
  readonly trust?: string;
}

export interface Called {
  readonly answers?: readonly Framed[];
  readonly subprotocol?: string | null;
  /** The code with which the service closed the connection. */
  readonly closed?: number | null;
  /** Of a refused handshake. */
  readonly status?: number;
}

export interface Place {
  readonly received: readonly Framed[];
  /** How many connections were opened there, and are open now. */
  readonly opened: number;
  readonly open: number;
}

/** How a path answers each message: a fixed text, `ids`, or `reversed` (two at a time, in reverse order). */
export interface Behaviour {
  readonly answer?: string;
  readonly hold?: boolean;
  /** The code with which it closes the connection after a message. */
  readonly close?: number;
}

/** A server and client that share no code with ours: Python's websockets. `/locked…` wants the user hub with pw, `/token…` the token fresh. */
export interface WebsocketPeer extends AsyncDisposable {
  readonly port: number;
  at(path: string): Promise<Place>;
  set(path: string, behaviour: Behaviour): Promise<void>;
  /** Sends a text to every connection at a path. */
  push(path: string, text: string): Promise<void>;
  /** Connects to a service, sends messages, and waits for answers. */
  call(call: Call): Promise<Called>;
}

interface Coded {
  readonly text: boolean;
  readonly body: string;
}

const decoded = ({ text, body }: Coded): Framed => ({ text, body: Buffer.from(body, 'base64') });

const encoded = (message: string | Buffer): Coded => ({
  text: typeof message === 'string',
  body: Buffer.from(message).toString('base64'),
});

export async function websocketPeer(tls: readonly string[] = []): Promise<WebsocketPeer> {
  const script = join(import.meta.dirname, 'websocket-peer.py');
  const child = spawn(PYTHON, [script, ...tls], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout);
  const [port] = (await once(lines, 'line')) as [string];
  let before: Promise<unknown> = Promise.resolve();
  const ask = (told: object): Promise<unknown> => {
    const asked = before.then(async () => {
      const answered = once(lines, 'line') as Promise<[string]>;
      child.stdin.write(`${JSON.stringify(told)}\n`);
      const [line] = await answered;
      return JSON.parse(line) as unknown;
    });
    before = asked;
    return asked;
  };
  return {
    port: Number(port),
    async at(path) {
      const told = (await ask({ do: 'look', path })) as Place & { received: readonly Coded[] };
      return { ...told, received: told.received.map(decoded) };
    },
    set: async (path, behaviour) => void (await ask({ do: 'set', path, ...behaviour })),
    push: async (path, text) => void (await ask({ do: 'push', path, text })),
    async call({ messages, ...call }) {
      const told = (await ask({
        do: 'call',
        ...call,
        messages: messages.map(encoded),
      })) as Called & {
        answers?: readonly Coded[];
      };
      return { ...told, ...(told.answers && { answers: told.answers.map(decoded) }) };
    },
    [Symbol.asyncDispose]: () => ended(child),
  };
}

async function ended(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
