import { chown, mkdir, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { parseArgs } from 'node:util';
import SftpClient from 'ssh2-sftp-client';
import sftpIn from '../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../adapters/ssh/sftp/sftp-out.ts';
import { type SshServer, sshServer } from '../sandbox/ssh.ts';
import type { Lent } from '../src/adapter/adapter.ts';
import type { Settings } from '../src/adapter/setting.ts';
import { print, table } from '../src/cli/output.ts';
import type { Body } from '../src/message/body.ts';
import type { Message } from '../src/message/message.ts';
import { lent } from './lent.ts';
import { median } from './median.ts';

/** Many small files show the cost per file, a large one the cost per byte. */
export interface SftpLoad {
  readonly direction: 'out' | 'in';
  readonly files: number;
  /** Bytes of each. */
  readonly size: number;
}

export interface SftpRate extends SftpLoad {
  /** Medians of the rounds: files a second for small files, MB a second for large ones. */
  readonly bare: number;
  readonly adapter: number;
  /** Median of the ratios of adapter to bare library in the same round. */
  readonly ratio: number;
}

const SMALL = { files: 1_000, size: 2_000 };
const LARGE = { files: 1, size: 300_000_000 };
const PIECE = Buffer.alloc(1_000_000, 'OBX|1|NM|2345-7^Glucose^LN||95|mg/dL|70-105|N|||F\r');
const START = process.hrtime.bigint();

/**
 * Measures the library, used well (own socket without Nagle, temporary name, rename), against the
 * adapter, which also checks, syncs and remembers. Both alternate in each round, so that other work
 * on the machine affects both.
 */
export async function runSftpBench(rounds: number): Promise<SftpRate[]> {
  await using server = await sshServer({ lines: ['Compression no'] });
  const rates: SftpRate[] = [];
  for (const load of [SMALL, LARGE].flatMap((size): SftpLoad[] => [
    { ...size, direction: 'out' },
    { ...size, direction: 'in' },
  ])) {
    const pairs: (readonly [number, number])[] = [];
    for (let round = 0; round <= rounds; round++) {
      const bare = await seconds(server, load, load.direction === 'out' ? bareOut : bareIn);
      const adapter = await seconds(
        server,
        load,
        load.direction === 'out' ? adapterOut : adapterIn,
      );
      // The first round warms up.
      if (round > 0) pairs.push([rateOf(load, bare), rateOf(load, adapter)]);
    }
    rates.push({
      ...load,
      bare: median(pairs.map(([bare]) => bare)),
      adapter: median(pairs.map(([, adapter]) => adapter)),
      ratio: median(pairs.map(([bare, adapter]) => adapter / bare)),
    });
  }
  return rates;
}

type Side = (server: SshServer, folder: string, load: SftpLoad) => Promise<() => Promise<void>>;

/** Runs one side on a fresh folder. Closing it, with the returned function, is not measured. */
async function seconds(server: SshServer, load: SftpLoad, side: Side): Promise<number> {
  const path = join(server.home, 'bench');
  const { uid, gid } = await stat(server.home);
  await mkdir(path);
  await chown(path, uid, gid);
  for (let n = 0; load.direction === 'in' && n < load.files; n++) {
    await writeFile(join(path, `${n}.dat`), pieces(load.size));
  }
  const begin = now();
  const close = await side(server, 'bench', load);
  const took = (now() - begin) / 1_000;
  await close();
  await expectDone(path, load);
  await rm(path, { recursive: true });
  return took;
}

async function expectDone(path: string, { direction, files, size }: SftpLoad): Promise<void> {
  const folder = direction === 'out' ? path : join(path, 'taken');
  const names = await readdir(folder);
  const whole = await Promise.all(names.map(async (name) => (await stat(join(folder, name))).size));
  if (names.length !== files || whole.some((one) => one !== size)) {
    throw new Error('files are missing or not whole: the rates would mean nothing');
  }
}

async function bareClient({ port, user: username, privateKey }: SshServer): Promise<SftpClient> {
  const client = new SftpClient('bench', { error() {}, end() {}, close() {} });
  const sock = connect({ host: '127.0.0.1', port, noDelay: true });
  await client.connect({ sock, username, privateKey, hostVerifier: () => true });
  return client;
}

const bareOut: Side = async (server, folder, { files, size }) => {
  const client = await bareClient(server);
  for (let n = 0; n < files; n++) {
    const body = size > PIECE.length ? Readable.from(pieces(size)) : PIECE.subarray(0, size);
    await client.put(body, `${folder}/.${n}.part`);
    await client.rename(`${folder}/.${n}.part`, `${folder}/${n}.dat`);
  }
  return async () => {
    await client.end();
  };
};

const bareIn: Side = async (server, folder, { size }) => {
  const client = await bareClient(server);
  await client.mkdir(`${folder}/taken`);
  for (const { name, type } of await client.list(folder)) {
    if (type !== '-') continue;
    if (size > PIECE.length) await client.get(`${folder}/${name}`, nowhere());
    else await client.get(`${folder}/${name}`);
    await client.rename(`${folder}/${name}`, `${folder}/taken/${name}`);
  }
  return async () => {
    await client.end();
  };
};

const adapterOut: Side = async (server, folder, { files, size }) => {
  // The bare library leaves it to the server when to write to its disk.
  const settings = { ...reach(server), folder, name: '{id}.dat', sync: false };
  const open = await sftpOut.open(lent(sftpOut.settings, settings, keyOf(server)));
  const { signal } = new AbortController();
  for (let id = 0; id < files; id++) await open.send(outgoing(id, size), signal);
  return () => open.close();
};

const adapterIn: Side = async (server, folder, { files }) => {
  const settings = { ...reach(server), folder, archive: `${folder}/taken`, stable: '0s' };
  const done = Promise.withResolvers<void>();
  let taken = 0;
  let remembered = '';
  const open = await sftpIn.open({
    ...lent(sftpIn.settings, settings, keyOf(server)),
    async deliver({ body }) {
      if (!(body instanceof Uint8Array)) for await (const _ of body);
      taken += 1;
      return { messageId: taken, sessionId: taken, status: 'stored' };
    },
    lost: done.reject,
    memory: {
      read: () => Promise.resolve(undefined),
      // The memory is cleared at the end of the poll in which the last file was archived.
      async write(value) {
        remembered = value;
        if (taken === files && remembered === '') done.resolve();
      },
    },
  });
  await done.promise;
  return () => open.close();
};

function reach({ port, hostKeys }: SshServer): Record<string, unknown> {
  return {
    connect: `127.0.0.1:${port}`,
    credential: 'bench',
    hostKey: hostKeys.map(({ fingerprint }) => fingerprint),
  };
}

function outgoing(id: number, size: number): Message {
  const body: Body = {
    size,
    inline: undefined,
    bytes: () => Promise.reject(new Error('not in memory')),
    stream: () => pieces(size),
  };
  return {
    id,
    sessionId: 1,
    source: 'bench',
    target: 'bench',
    type: 'application/octet-stream',
    created: 0,
    received: 0,
    size,
    body,
  };
}

async function* pieces(size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let left = size; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

function keyOf({ user, privateKey }: SshServer): Pick<Lent<Settings>, 'credential'> {
  return { credential: () => Promise.resolve({ kind: 'ssh-key', user, privateKey }) };
}

function rateOf({ files, size }: SftpLoad, took: number): number {
  return size > PIECE.length ? (files * size) / 1e6 / took : files / took;
}

function now(): number {
  return Number(process.hrtime.bigint() - START) / 1e6;
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' } } });
  const rates = await runSftpBench(Number(values.rounds));
  print(
    table([
      ['', 'bare library', 'adapter', 'ratio'],
      ...rates.map(({ direction, files, size, bare, adapter, ratio }) => [
        `${direction}, ${files} × ${size / 1_000} KB`,
        `${bare.toFixed(0)} ${size > PIECE.length ? 'MB/s' : 'files/s'}`,
        adapter.toFixed(0),
        ratio.toFixed(2),
      ]),
    ]),
  );
}
