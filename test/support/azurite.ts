import { createHmac, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Agent, fetch } from 'undici';
import { startDaemon } from '../../sandbox/daemon.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { certificates } from './certificates.ts';
import { temporaryFolder } from './temporary-folder.ts';

const SERVER = '/usr/local/bin/azurite-blob';

/** Why tests against Azure's blob service are skipped; undefined where they run. */
export const noAzurite: string | undefined = existsSync(SERVER)
  ? undefined
  : 'azurite-blob (npm: azurite) is not installed in /usr/local';

const ACCOUNT = 'hospitallab';
const VERSION = '2021-12-02';

export interface SasOptions {
  /** Default: everything. */
  readonly permissions?: string;
  /** Milliseconds from now. Default: an hour. */
  readonly expires?: number;
}

/** Azurite, Microsoft's own server of the protocol, with TLS and tokens; its blobs are lost with it. */
export interface Azurite extends AsyncDisposable {
  /** With the account in the path. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  readonly account: string;
  readonly key: string;
  /** The file of the authority. */
  readonly trust: string;
  sas(options?: SasOptions): string;
  /** A request with a signature that may do everything; throws unless it succeeds. */
  ask(
    method: string,
    path: string,
    more?: {
      readonly query?: string;
      readonly headers?: Readonly<Record<string, string>>;
      readonly body?: string | Uint8Array;
    },
  ): Promise<{ readonly headers: Headers; readonly bytes: Buffer }>;
  container(name: string): Promise<void>;
  put(container: string, key: string, content: string | Uint8Array): Promise<void>;
  get(container: string, key: string): Promise<{ readonly bytes: Buffer; readonly type: string }>;
  keys(container: string): Promise<readonly string[]>;
}

const at = (container: string, name: string): string =>
  `${container}/${name.split('/').map(encodeURIComponent).join('/')}`;

// oxlint-disable-next-line max-lines-per-function -- a factory: its closures share the state above them
export async function azurite(): Promise<Azurite> {
  await using undo = new AsyncDisposableStack();
  const folder = undo.use(await temporaryFolder('azurite'));
  const made = undo.use(await certificates());
  const certificate = await made.file('server.pem', made.server.certificate);
  const own = await made.file('server.key', made.server.key);
  const port = await freePort();
  const key = randomBytes(64).toString('base64');
  const flags = ['--inMemoryPersistence', '--disableTelemetry', '--silent', '--oauth', 'basic'];
  const server = await startDaemon({
    program: '/usr/bin/env',
    args: [
      `AZURITE_ACCOUNTS=${ACCOUNT}:${key}`,
      process.execPath,
      SERVER,
      ...flags,
      '--blobPort',
      String(port),
      '--cert',
      certificate,
      '--key',
      own,
    ],
    log: join(folder.path, 'log'),
    port,
    // 450 packages: on a busy machine a program to be waited for
    within: 60_000,
  });
  undo.defer(() => server.stop());
  const dispatcher = new Agent({ connect: { ca: made.authority.certificate } });
  undo.defer(() => dispatcher.destroy());
  const url = `https://127.0.0.1:${port}/${ACCOUNT}`;
  const sas = ({ permissions = 'rwdlacuptf', expires = 3_600_000 }: SasOptions = {}): string =>
    signature(key, { permissions, expires });

  const ask: Azurite['ask'] = async (method, path, { query = '', headers = {}, body } = {}) => {
    const answer = await fetch(`${url}/${path}?${query}&${sas()}`, {
      method,
      dispatcher,
      headers: { 'x-ms-version': VERSION, ...headers },
      ...(body !== undefined && { body }),
    });
    const bytes = Buffer.from(await answer.arrayBuffer());
    if (!answer.ok) throw new Error(`${answer.status} ${bytes.toString()}`);
    return { headers: answer.headers as unknown as Headers, bytes };
  };
  const opened = undo.move();
  return {
    url,
    port,
    pid: server.pid,
    account: ACCOUNT,
    key,
    trust: made.trust,
    sas,
    ask,
    container: async (name) => void (await ask('PUT', name, { query: 'restype=container' })),
    async put(container, name, body) {
      const headers = { 'x-ms-blob-type': 'BlockBlob' };
      await ask('PUT', at(container, name), { headers, body });
    },
    async get(container, name) {
      const { headers, bytes } = await ask('GET', at(container, name));
      return { bytes, type: headers.get('content-type') ?? '' };
    },
    async keys(container) {
      const { bytes } = await ask('GET', container, { query: 'restype=container&comp=list' });
      return [...bytes.toString().matchAll(/<Name>(.*?)<\/Name>/g)].map(([, name = '']) => name);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** A signature of the account over all its containers: "Create an account SAS". */
function signature(key: string, { permissions, expires }: Required<SasOptions>): string {
  const end = `${new Date(Date.now() + expires).toISOString().slice(0, 19)}Z`;
  const fields = { sp: permissions, ss: 'b', srt: 'sco', st: '', se: end, sip: '', spr: 'https' };
  const text = [ACCOUNT, ...Object.values(fields), VERSION, '', ''].join('\n');
  const sig = createHmac('sha256', Buffer.from(key, 'base64')).update(text).digest('base64');
  const given = Object.entries({ sv: VERSION, ...fields, sig }).filter(([, value]) => value !== '');
  return new URLSearchParams(given).toString();
}
