import { once } from 'node:events';
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse, stringify } from 'yaml';
import { freePort } from '../../sandbox/free-port.ts';
import { bareSmtp } from './bare-smtp.ts';
import { type EngineProcess, startEngineProcess } from './engine-process.ts';
import { mllpPeer } from './mllp-peer.ts';
import { inMllp } from './mllp-sender.ts';

type Settings = Record<string, unknown>;

interface WrittenHost {
  adapter: string;
  settings?: Settings;
  retry?: unknown;
  schedule?: unknown;
  enabled?: unknown;
}

interface WrittenProduction {
  services?: Record<string, WrittenHost>;
  operations?: Record<string, WrittenHost>;
  credentials?: Record<string, Settings>;
}

/** A request that a web peer got. */
export interface Requested {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

/** An imported production that runs between peers of this machine, by `waybill run` on a real NATS. */
export interface ImportedRun extends AsyncDisposable {
  readonly engine: EngineProcess;
  /** What it wrote, also before it was killed. */
  output(): string;
  /** Kills the engine, and starts it again. */
  killed(): Promise<void>;
  /** Its data folder. */
  readonly data: string;
  readonly services: ReadonlyMap<string, WrittenHost>;
  readonly operations: ReadonlyMap<string, WrittenHost>;
  /** Sends a message to a service like its sender, and resolves to the answer. */
  send(service: string, body: string): Promise<string | undefined>;
  /** What an operation's peer has received so far: messages, files, bodies of requests. */
  arrived(operation: string): Promise<readonly string[]>;
  requested(operation: string): readonly Requested[];
  /** Waits until this many have arrived. */
  arrive(operation: string, count: number): Promise<readonly string[]>;
}

export interface RunOptions {
  /** The answer of the web peer. */
  readonly answer?: (request: Requested) => string;
  readonly environment?: Readonly<Record<string, string>>;
  /** With the operator plane: for orders to single messages. */
  readonly plane?: boolean;
  /** The database for all operations with databases: settings of sql-out, and the account. */
  readonly database?: {
    readonly settings: Settings;
    readonly user: string;
    readonly password: string;
  };
}

/**
 * Runs an imported production: only its endpoints are moved to this machine (ports, folders,
 * servers). What is sent by SFTP or FTP is put into a folder.
 */
export async function runImported(folder: string, options: RunOptions = {}): Promise<ImportedRun> {
  await using stack = new AsyncDisposableStack();
  const web = stack.use(await webPeer(options.answer));
  const places = new Places(folder, { web, stack, database: options.database });
  const production = await places.moved();
  const data = join(folder, 'data');
  const start = (): Promise<EngineProcess> =>
    startEngineProcess({
      production: folder,
      data,
      ports: places.ports,
      plane: options.plane ?? false,
      arguments: ['--durability', 'process-crash'],
      ...(options.environment !== undefined && { environment: options.environment }),
    });
  let engine = await start();
  let before = '';
  stack.defer(() => engine.stop());
  const services = new Map(Object.entries(production.services ?? {}));
  const operations = new Map(Object.entries(production.operations ?? {}));
  const all = stack.move();
  const arrived = (operation: string): Promise<readonly string[]> => places.arrived(operation);
  return {
    get engine() {
      return engine;
    },
    output: () => before + engine.output(),
    async killed() {
      await engine.kill();
      before += engine.output();
      engine = await start();
    },
    data,
    services,
    operations,
    send: (service, body) => sent(services.get(service), body),
    arrived,
    requested: (operation) => web.requests.get(operation) ?? [],
    async arrive(operation, count) {
      for (let waited = 0; waited < 15_000; waited += 20) {
        const found = await arrived(operation);
        if (found.length >= count) return found;
        await sleep(20);
      }
      const { length } = await arrived(operation);
      throw new Error(`${operation} got ${length} of ${count}: ${engine.output()}`);
    },
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

interface WebPeer extends AsyncDisposable {
  readonly port: number;
  readonly requests: Map<string, Requested[]>;
}

/** One server for all: the first part of the path is the operation. */
async function webPeer(answer = (_: Requested): string => '{}'): Promise<WebPeer> {
  const requests = new Map<string, Requested[]>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const [, operation = '', rest = ''] = /^\/([^/?]+)(.*)$/.exec(request.url ?? '') ?? [];
      const one = {
        method: request.method ?? '',
        url: rest,
        headers: request.headers,
        body: Buffer.concat(chunks).toString('utf8'),
      };
      requests.set(operation, [...(requests.get(operation) ?? []), one]);
      const text = answer(one);
      const type = text.startsWith('<') ? 'application/xml' : 'application/json';
      response.writeHead(200, { 'Content-Type': type }).end(text);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Nothing of an imported production may reach another machine. */
const NOWHERE = '127.0.0.1:9';

interface Around {
  readonly web: WebPeer;
  readonly stack: AsyncDisposableStack;
  readonly database: RunOptions['database'];
}

/** Moves the endpoints of a production to this machine, and records what arrives there. */
class Places {
  readonly ports: number[] = [];
  readonly secret = 'given by the harness';
  readonly #folder: string;
  readonly #web: WebPeer;
  readonly #stack: AsyncDisposableStack;
  readonly #database: RunOptions['database'];
  readonly #arrived = new Map<string, () => Promise<readonly string[]> | readonly string[]>();

  constructor(folder: string, { web, stack, database }: Around) {
    this.#folder = folder;
    this.#web = web;
    this.#stack = stack;
    this.#database = database;
  }

  /** Rewrites the production's file; returns its new content. */
  async moved(): Promise<WrittenProduction> {
    const path = join(this.#folder, 'production.yaml');
    const production = parse(await readFile(path, 'utf8')) as WrittenProduction;
    const { services = {}, operations = {}, credentials = {} } = production;
    for (const [name, host] of Object.entries(services)) await this.source(name, host);
    for (const [name, host] of Object.entries(operations)) await this.target(name, host);
    for (const one of Object.values(credentials)) {
      for (const key of ['password', 'token']) if (key in one) one[key] = this.secret;
    }
    const { user, password } = this.#database ?? {};
    if (user !== undefined) credentials['database'] = { kind: 'basic', user, password };
    production.credentials = credentials;
    await writeFile(path, stringify(production));
    return production;
  }

  async arrived(operation: string): Promise<readonly string[]> {
    return (await this.#arrived.get(operation)?.()) ?? [];
  }

  async source(name: string, host: WrittenHost): Promise<void> {
    const settings = (host.settings ??= {});
    delete host.schedule;
    delete host.enabled;
    if ('listen' in settings || 'callOut' in settings) {
      const port = await freePort();
      this.ports.push(port);
      settings['listen'] = `127.0.0.1:${port}`;
      delete settings['callers'];
      delete settings['callOut'];
    }
    if (/^(file|sftp|ftps)-in$/.test(host.adapter)) {
      const folder = join(this.#folder, 'ends', name);
      await mkdir(folder, { recursive: true });
      host.adapter = 'file-in';
      host.settings = { pattern: settings['pattern'], folder, every: '100ms', stable: '0s' };
      if (settings['batch'] !== undefined) host.settings['batch'] = settings['batch'];
    } else if ('every' in settings) settings['every'] = '500ms';
    if (host.adapter === 'sql-in') this.#atDatabase(settings);
  }

  async #atMail(name: string, settings: Settings): Promise<void> {
    const peer = this.#stack.use(await bareSmtp());
    settings['connect'] = `127.0.0.1:${peer.port}`;
    settings['security'] = 'none';
    delete settings['credential'];
    this.#arrived.set(name, () => peer.mails.map((one) => one.toString('utf8')));
  }

  /** Without a test database, to an address where nothing listens. */
  #atDatabase(settings: Settings): void {
    settings['connect'] = NOWHERE;
    if (this.#database !== undefined)
      Object.assign(settings, this.#database.settings, { credential: 'database' });
  }

  async target(name: string, host: WrittenHost): Promise<void> {
    const settings = (host.settings ??= {});
    host.retry = { every: '200ms', for: '2s' };
    if (host.adapter === 'sql-out') this.#atDatabase(settings);
    else if (host.adapter === 'smtp-out') await this.#atMail(name, settings);
    else if (/^(mllp|tcp)-out$/.test(host.adapter)) await this.#atReceiver(name, host, settings);
    else if (host.adapter === 'http-out') this.#atWeb(name, settings);
    else if (/^(file|sftp|ftps)-out$/.test(host.adapter))
      await this.#inFolder(name, host, settings);
  }

  async #atReceiver(name: string, host: WrittenHost, settings: Settings): Promise<void> {
    const peer = this.#stack.use(await mllpPeer());
    settings['connect'] = `127.0.0.1:${peer.port}`;
    // the peer speaks MLLP
    if (host.adapter === 'tcp-out')
      Object.assign(settings, { framing: 'marks', startMark: '0x0B', endMark: '0x1C0D' });
    this.#arrived.set(name, () => peer.received.map((one) => one.toString('utf8')));
  }

  #atWeb(name: string, settings: Settings): void {
    const [, rest = ''] =
      /^(?:https?:\/\/[^/]*|\$\{env:\w+\}(?::\$\{env:\w+\})?)(.*)$/.exec(textIn(settings, 'url')) ??
      [];
    settings['url'] = `http://127.0.0.1:${this.#web.port}/${name}${rest}`;
    this.#arrived.set(name, () => (this.#web.requests.get(name) ?? []).map(({ body }) => body));
  }

  async #inFolder(name: string, host: WrittenHost, settings: Settings): Promise<void> {
    const folder = join(this.#folder, 'ends', name);
    const given = textIn(settings, 'folder').replace(/^\/*([A-Za-z]:)?[\\/]*/, '/');
    const { write, separator, exists } = settings;
    host.adapter = 'file-out';
    host.settings = {
      folder: `${folder}${given}`,
      name: settings['name'],
      makeFolder: true,
      ...(write !== undefined && { write, separator }),
      ...(exists !== undefined && { exists }),
    };
    await mkdir(folder, { recursive: true });
    this.#arrived.set(name, () => filesIn(folder));
  }
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = found.filter((one) => one.isFile() && !one.name.endsWith('.part'));
  return Promise.all(files.map((one) => readFile(join(one.parentPath, one.name), 'utf8')));
}

async function sent(host: WrittenHost | undefined, body: string): Promise<string | undefined> {
  const settings = host?.settings ?? {};
  const port = Number(textIn(settings, 'listen').split(':')[1]);
  if (host?.adapter === 'mllp-in') return overMllp(port, body.replaceAll(/\r?\n/g, '\r'));
  if (host?.adapter === 'tcp-in') return overTcp(port, settings, body);
  if (host?.adapter === 'http-in') return overHttp(port, textIn(settings, 'path'), body);
  if (host?.adapter === 'file-in') await asFile(settings, body);
  return undefined;
}

const textIn = (settings: Settings, name: string): string => {
  const value = settings[name];
  return typeof value === 'string' ? value : '';
};

async function overHttp(port: number, path: string, body: string): Promise<string> {
  const kinds = [
    [/^\s*[[{]/, 'application/json'],
    [/^\s*</, 'application/xml'],
    [/^/, 'text/plain'],
  ] as const;
  const type = kinds.find(([start]) => start.test(body))?.[1] ?? 'text/plain';
  const plain = path.replaceAll('*', '').replaceAll(/\{\w+\}/g, 'x');
  const answer = await fetch(`http://127.0.0.1:${port}${plain}`, {
    method: 'POST',
    body,
    headers: { 'Content-Type': type },
  });
  return answer.text();
}

let files = 0;

/** Written under another name first, so that it is never read half-finished. */
async function asFile(settings: Settings, body: string): Promise<void> {
  const [pattern = '*'] = settings['pattern'] as string[];
  const name = pattern.replaceAll('*', `in-${(files += 1)}`).replaceAll('?', 'x');
  const folder = textIn(settings, 'folder');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `.${name}`), body);
  await rename(join(folder, `.${name}`), join(folder, name));
}

async function overTcp(
  port: number,
  settings: Settings,
  body: string,
): Promise<string | undefined> {
  if (settings['answer'] === 'target' && settings['startMark'] === '0x0B')
    return overMllp(port, body);
  const mark = (name: string): Buffer =>
    Buffer.from(textIn(settings, name).replace(/^0x/, ''), 'hex');
  const socket = connect(port, '127.0.0.1');
  socket.end(Buffer.concat([mark('startMark'), Buffer.from(body), mark('endMark')]));
  await once(socket, 'close');
  return undefined;
}

async function overMllp(port: number, body: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  socket.write(inMllp(body));
  let text = '';
  const end = AbortSignal.timeout(15_000);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    text += chunk.toString('utf8');
    if (text.includes('\u001c') || end.aborted) break;
  }
  socket.destroy();
  return text.replaceAll('\u000b', '').replaceAll('\u001c', '').trimEnd();
}
