import { chown, mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import SftpClient from 'ssh2-sftp-client';
import sftpIn from '../../adapters/ssh/sftp/sftp-in.ts';
import sftpOut from '../../adapters/ssh/sftp/sftp-out.ts';
import { type SshServer, sshServer } from '../../sandbox/ssh.ts';
import type { Lent } from '../../src/adapter/adapter.ts';
import type { Body } from '../../src/message/body.ts';
import {
  kept,
  lentTo,
  type Spent,
  type Subject,
  type Subjects,
  sender,
  stopwatch,
  timed,
} from './subject.ts';

/** Many small files show the cost of a file, a large one the cost of its bytes. */
const SMALL = 2_000;
/** Bytes of a large file that count as one message, and how many it has at most. */
const [PART, MOST_PARTS] = [100_000, 10_000];
const PIECE = Buffer.alloc(1_000_000, 'OBX|1|NM|2345-7^Glucose^LN||95|mg/dL|70-105|N|||F\r');

/**
 * Files of a folder of OpenSSH, one after another, beside ssh2-sftp-client used well: a socket without Nagle, another name
 * while it is written, moved once it was taken. The adapter also checks and remembers.
 */
export async function sftpSubjects(): Promise<Subjects> {
  await using undo = new AsyncDisposableStack();
  const server = undo.use(await sshServer({ lines: ['Compression no'] }));
  const { port, user, privateKey, hostKeys } = server;
  const credential = { kind: 'ssh-key', user, privateKey } as const;
  const given = {
    connect: `127.0.0.1:${port}`,
    credential: 'bench',
    hostKey: hostKeys.map(({ fingerprint }) => fingerprint),
  };
  // the bare library leaves it to the server when to write to its disk
  const sending = { ...given, folder: 'bench', name: '{id}.dat', sync: false };
  const out = await sender(sftpOut, sending, credential);
  undo.defer(() => out.close());
  const client = await bareClient(server);
  undo.defer(async () => void (await client.end()));
  const pickup = { ...given, folder: 'bench', archive: 'bench/taken', stable: '0s' };
  const lending = lentTo(sftpIn.settings, pickup, credential);
  const all = undo.move();
  const subjects = [false, true].flatMap((isLarge): Subject[] => {
    /** One file of as many parts, or as many small files. */
    const files = (messages: number): number => (isLarge ? 1 : messages);
    const size = (messages: number): number => (isLarge ? messages * PART : SMALL);
    const most = isLarge ? { most: MOST_PARTS } : {};
    const each = isLarge ? ', each 100 KB of a large file' : '';
    return [
      {
        what: `sftp-out${each}`,
        ...most,
        prepare: () => filled(server, 0, 0),
        bare: (messages) =>
          timed(files(messages), (n) => written(client, `b${n}`, size(messages)), 1),
        adapter: (messages) => timed(files(messages), () => sent(out, size(messages)), 1),
      },
      {
        what: `sftp-in${each}`,
        ...most,
        prepare: (messages) => filled(server, files(messages), size(messages)),
        bare: () => readAll(server, isLarge),
        adapter: (messages) => takenAll(lending, files(messages)),
      },
    ];
  });
  return { subjects, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

/** A folder with so many files, and no others. */
async function filled({ home }: SshServer, files: number, size: number): Promise<void> {
  const path = join(home, 'bench');
  const { uid, gid } = await stat(home);
  await rm(path, { recursive: true, force: true });
  await mkdir(path);
  await chown(path, uid, gid);
  for (let n = 0; n < files; n++) await writeFile(join(path, `${n}.dat`), pieces(size));
}

async function bareClient({ port, user: username, privateKey }: SshServer): Promise<SftpClient> {
  const client = new SftpClient('bench', { error() {}, end() {}, close() {} });
  const sock = connect({ host: '127.0.0.1', port, noDelay: true });
  await client.connect({ sock, username, privateKey, hostVerifier: () => true });
  return client;
}

async function written(client: SftpClient, name: string, size: number): Promise<void> {
  const body = size > SMALL ? Readable.from(pieces(size)) : PIECE.subarray(0, size);
  await client.put(body, `bench/.${name}.part`);
  await client.rename(`bench/.${name}.part`, `bench/${name}.dat`);
}

/** As a body that is not in memory. */
function sent(out: Awaited<ReturnType<typeof sender>>, size: number): Promise<unknown> {
  const body: Body = {
    size,
    inline: undefined,
    bytes: () => Promise.reject(new Error('not in memory')),
    stream: () => pieces(size),
  };
  return out.send(Buffer.alloc(0), { body, size });
}

async function readAll(server: SshServer, isLarge: boolean): Promise<Spent> {
  const spent = stopwatch();
  const client = await bareClient(server);
  await client.mkdir('bench/taken');
  for (const { name, type } of await client.list('bench')) {
    if (type !== '-') continue;
    const read = isLarge
      ? await client.get(`bench/${name}`, nowhere())
      : await client.get(`bench/${name}`);
    await kept(read);
    await client.rename(`bench/${name}`, `bench/taken/${name}`);
  }
  const took = spent();
  await client.end();
  return took;
}

/** Its memory is cleared at the end of the turn in which the last file was moved. */
async function takenAll(lending: Lent<typeof sftpIn.settings>, files: number): Promise<Spent> {
  const done = Promise.withResolvers<void>();
  let taken = 0;
  const spent = stopwatch();
  const open = await sftpIn.open({
    ...lending,
    async deliver({ body }) {
      if (!(body instanceof Uint8Array)) for await (const _ of body);
      taken += 1;
      return await kept();
    },
    lost: done.reject,
    memory: {
      read: () => Promise.resolve(undefined),
      async write(value) {
        if (taken === files && value === '') done.resolve();
      },
    },
  });
  await done.promise;
  const took = spent();
  await open.close();
  return took;
}

async function* pieces(size: number): AsyncGenerator<Buffer, void, undefined> {
  for (let left = size; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
