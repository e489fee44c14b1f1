import { readFile } from 'node:fs/promises';
import { Readable, Writable } from 'node:stream';
import { Client, FTPError } from 'basic-ftp';
import ftpsIn from '../../adapters/ftps/ftps-in.ts';
import ftpsOut from '../../adapters/ftps/ftps-out.ts';
import { ftpsServer } from '../../sandbox/ftps/ftps.ts';
import { message } from '../messages.ts';
import { kept, type Spent, type Subjects, sender, Taken, taking, timed } from './subject.ts';

const body = Buffer.from(message(1).bytes);

/** Files of an FTP server over TLS beside basic-ftp: each written under another name and renamed, or read, stored and moved. */
export async function ftpsSubjects(): Promise<Subjects> {
  const server = await ftpsServer({});
  const { port, user, password, trust } = server;
  const credential = { kind: 'basic', user, password } as const;
  const ca = await readFile(trust, 'utf8');
  const client = new Client();
  await client.access({
    host: '127.0.0.1',
    port,
    user,
    password,
    secure: true,
    secureOptions: { ca },
  });
  for (const folder of ['in', 'taken', 'out']) await client.ensureDir(`/${server.home}/${folder}`);
  const at = (...parts: string[]): string => [server.home, ...parts].join('/');
  const given = { connect: `127.0.0.1:${port}`, credential: 'drop', tls: { trust } };
  const out = await sender(ftpsOut, { ...given, folder: at('out'), name: 'f{id}.hl7' }, credential);
  const where = { ...given, folder: at('in'), archive: at('taken'), stable: '0s', every: '20ms' };
  const emptied = async (...folders: string[]): Promise<void> => {
    for (const folder of folders) {
      await client.cd(at(folder));
      await client.clearWorkingDir();
    }
  };
  const put = async (path: string): Promise<void> => {
    await client.uploadFrom(Readable.from([body]), `${path}.part`);
    await client.rename(`${path}.part`, path);
  };
  const filled = async (messages: number): Promise<void> => {
    await emptied('in', 'taken');
    for (let n = 0; n < messages; n++) await put(at('in', `${n}.hl7`));
  };
  return {
    subjects: [
      {
        what: 'ftps-out',
        prepare: () => emptied('out'),
        bare: (messages) => timed(messages, (n) => put(at('out', `b${n}.hl7`)), 1),
        adapter: (messages) => timed(messages, () => out.send(body), 1),
      },
      ...[true, false].map((wary) => ({
        what: wary ? 'ftps-in' : 'ftps-in, beside less',
        ...(!wary && { isLess: true as const }),
        prepare: filled,
        bare: (messages: number) =>
          readAll(client, { from: at('in'), to: at('taken'), wary }, messages),
        adapter: (messages: number) => taking(ftpsIn, where, { credential, messages }),
      })),
    ],
    async [Symbol.asyncDispose]() {
      await out.close();
      client.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** By which a file is known that has changed since. */
const stateOf = async (client: Client, path: string): Promise<string> =>
  `${await client.size(path)} ${Number(await client.lastMod(path))}`;

const isThere = (client: Client, path: string): Promise<boolean> =>
  client.size(path).then(
    () => true,
    (error: unknown) => {
      if (error instanceof FTPError && error.code === 550) return false;
      throw error;
    },
  );

interface Ways {
  readonly from: string;
  readonly to: string;
  /** Stores nothing that was written to while it was read, and moves over nothing that is there. */
  readonly wary: boolean;
}

/** Each is stored before it is moved, and only if it is still what was read. */
async function readAll(client: Client, { from, to, wary }: Ways, messages: number): Promise<Spent> {
  await client.cd(from);
  const taken = new Taken(messages);
  for (const { name } of await client.list()) {
    const parts: Buffer[] = [];
    const sink = new Writable({
      write(part: Buffer, _, done) {
        parts.push(part);
        done();
      },
    });
    const path = `${from}/${name}`;
    const before = await stateOf(client, path);
    await client.downloadTo(sink, path);
    if (wary && (await stateOf(client, path)) !== before) continue;
    taken.one();
    await kept({ body: Buffer.concat(parts), name });
    if ((await stateOf(client, path)) !== before) continue;
    if (wary && (await isThere(client, `${to}/${name}`))) continue;
    await client.rename(`${from}/${name}`, `${to}/${name}`);
  }
  return await taken.spent;
}
