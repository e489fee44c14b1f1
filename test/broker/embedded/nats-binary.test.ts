import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FindOptions, findNatsServer } from '../../../src/broker/embedded/nats-binary.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const RELEASE = 'v2.10.27';
const platform = `${process.platform}-${process.arch === 'x64' ? 'amd64' : process.arch}`;
const ARCHIVE = `nats-server-${RELEASE}-${platform}.tar.gz`;

const program = (version: string): string => `#!/bin/sh\necho "nats-server: v${version}"\n`;

const sumOf = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

const known = (archive: Buffer): FindOptions['archives'] => ({
  [`${process.platform}-${process.arch}`]: { platform, sum: sumOf(archive) },
});

/** An archive as the project releases it: a folder with the program and its papers. */
async function archiveOf(folder: string, text: string): Promise<Buffer> {
  const inner = join(folder, 'pack', `nats-server-${RELEASE}-${platform}`);
  await mkdir(inner, { recursive: true });
  await writeFile(join(inner, 'LICENSE'), 'x'.repeat(700));
  await writeFile(join(inner, 'nats-server'), text, { mode: 0o755 });
  const file = join(folder, 'made.tar.gz');
  execFileSync('tar', ['-czf', file, '-C', join(folder, 'pack'), `${inner.split('/').at(-1)}`]);
  return readFile(file);
}

interface Lab extends AsyncDisposable {
  readonly options: FindOptions;
  readonly folder: string;
  readonly cache: string;
  readonly asked: string[];
  readonly files: Map<string, Buffer | number>;
}

/** A machine without nats-server and without a tool to install it, and a server with a release. */
async function lab(version = '2.10.27'): Promise<Lab> {
  const folder = await temporaryFolder('nats-binary');
  const archive = await archiveOf(folder.path, program(version));
  const files = new Map<string, Buffer | number>([[ARCHIVE, archive]]);
  const asked: string[] = [];
  const server = createServer((request, response) => {
    const name = request.url?.split('/').at(-1) ?? '';
    asked.push(name);
    const found = files.get(name) ?? 404;
    if (typeof found === 'number') response.writeHead(found).end();
    else response.end(found);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const path = join(folder.path, 'bin');
  await mkdir(path);
  return {
    folder: path,
    cache: join(folder.path, 'cache/waybill'),
    asked,
    files,
    options: {
      environment: { PATH: path, XDG_CACHE_HOME: join(folder.path, 'cache') },
      folders: [],
      downloads: `http://127.0.0.1:${port}`,
      archives: known(archive),
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

test('where none is found and none can be installed, the release is fetched, once', async () => {
  await using made = await lab();
  const said: string[] = [];
  const file = await findNatsServer({ ...made.options, say: (text) => said.push(text) });
  expect(file).toBe(join(made.cache, 'nats-server'));
  expect(execFileSync(file, ['--version']).toString()).toContain('v2.10.27');
  expect(await readdir(made.cache)).toEqual(['nats-server']);
  expect(said).toHaveLength(2);
  expect(await findNatsServer(made.options)).toBe(file);
  expect(made.asked).toEqual([ARCHIVE]);
});

test.for([
  {
    what: 'an archive that was changed on the way',
    spoil: ({ files }: Lab) => files.set(ARCHIVE, Buffer.from('something else')),
    error: `${ARCHIVE} was not used, since its checksum is not that of the release`,
    retryable: true,
  },
  {
    what: 'no release',
    spoil: ({ files }: Lab) => files.set(ARCHIVE, 404),
    error: `${ARCHIVE} answered 404`,
    retryable: false,
  },
  {
    what: 'a server in trouble',
    spoil: ({ files }: Lab) => files.set(ARCHIVE, 503),
    error: `${ARCHIVE} answered 503`,
    retryable: true,
  },
  {
    what: 'an archive that is none',
    spoil: ({ files }: Lab) => {
      const bytes = Buffer.from('no archive');
      files.set(ARCHIVE, bytes);
      return { archives: known(bytes) };
    },
    error: `${ARCHIVE} cannot be unpacked`,
    retryable: false,
  },
])('$what is said, and nothing of it is kept', async ({ spoil, error, retryable }) => {
  await using made = await lab();
  const changed = spoil(made);
  const options = 'archives' in changed ? { ...made.options, ...changed } : made.options;
  await expect(findNatsServer(options)).rejects.toMatchObject({
    code: 'BROKER_UNAVAILABLE',
    message: expect.stringContaining(error),
    retryable,
  });
  await expect(access(join(made.cache, 'nats-server'))).rejects.toThrow('ENOENT');
});

test('an archive with sums beside it that fit is not used unless it is the one that was released', async () => {
  await using made = await lab();
  const archive = made.files.get(ARCHIVE) as Buffer;
  made.files.set('SHA256SUMS', Buffer.from(`${sumOf(archive)}  ${ARCHIVE}`));
  const { archives: _, ...options } = made.options;
  await expect(findNatsServer(options)).rejects.toThrow('is not that of the release');
});

test('a server that cannot be reached is said with its cause', async () => {
  await using made = await lab();
  const downloads = 'http://127.0.0.1:1';
  await expect(findNatsServer({ ...made.options, downloads })).rejects.toThrow(
    /GET http:\/\/127\.0\.0\.1:1\/v2\.10\.27\/nats-server-v\S+ failed: .*Install nats-server/,
  );
});

test('one that is too old, or is another program, is passed over for one that will do', async () => {
  await using made = await lab();
  const put = (text: string): Promise<void> =>
    writeFile(join(made.folder, 'nats-server'), text, { mode: 0o755 });
  await put(program('2.9.10'));
  const never = { ...made.options, allowInstall: false };
  await expect(findNatsServer(never)).rejects.toThrow(
    `${made.folder}/nats-server is version 2.9, older than 2.10`,
  );
  await put('#!/bin/sh\necho hello\n');
  await expect(findNatsServer(never)).rejects.toThrow('is not a nats-server');
  expect(made.asked).toEqual([]);
  expect(await findNatsServer(made.options)).toBe(join(made.cache, 'nats-server'));
  await put(program('2.14.0'));
  expect(await findNatsServer(made.options)).toBe(join(made.folder, 'nats-server'));
});

test('a release that is too old for this version is not used', async () => {
  await using made = await lab('2.9.25');
  await expect(findNatsServer(made.options)).rejects.toThrow('older than 2.10');
});

test('one that WAYBILL_NATS_SERVER names is used, and no other in its place', async () => {
  await using made = await lab();
  const named = join(made.folder, 'mine');
  const environment = { ...made.options.environment, WAYBILL_NATS_SERVER: named };
  await expect(findNatsServer({ ...made.options, environment })).rejects.toThrow(
    `${named} cannot be run (ENOENT), although WAYBILL_NATS_SERVER names it`,
  );
  await writeFile(named, program('2.11.1'), { mode: 0o755 });
  expect(await findNatsServer({ ...made.options, environment })).toBe(named);
  expect(made.asked).toEqual([]);
});

test('a program is asked for its version once, and again after it was replaced', async () => {
  await using made = await lab();
  const file = join(made.folder, 'nats-server');
  const count = join(made.folder, 'asked');
  const counting = (version: string): string => `${program(version)}echo >> '${count}'\n`;
  const asked = async (): Promise<number> => (await readFile(count, 'utf8')).length;
  await writeFile(file, counting('2.10.27'), { mode: 0o755 });
  for (let start = 0; start < 3; start++) expect(await findNatsServer(made.options)).toBe(file);
  expect(await asked()).toBe(1);
  await writeFile(file, counting('2.9.1'), { mode: 0o755 });
  await expect(findNatsServer({ ...made.options, allowInstall: false })).rejects.toThrow(
    'older than 2.10',
  );
  expect(await asked()).toBe(2);
});
