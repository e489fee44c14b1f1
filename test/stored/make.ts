/**
 * Writes the databases of this version into `test/stored/<version>`, for the tests of the versions to come. Run it once,
 * when a version is released, and never again for the same one:
 *
 *     node --conditions=waybill-source test/stored/make.ts
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { postgresTraceStore } from '../../src/trace/store/postgres/trace-store.ts';
import { sqliteTraceStore } from '../../src/trace/store/sqlite/trace-store.ts';
import { postgresPrograms, startPostgres } from '../support/postgres.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { fillMeta, fillTrace, PRODUCTION } from './sample.ts';

const { version } = JSON.parse(await readFile('package.json', 'utf8')) as { version: string };
const target = join(import.meta.dirname, version);
await mkdir(target);

const keep = (name: string, bytes: Uint8Array): Promise<void> =>
  writeFile(join(target, `${name}.gz`), gzipSync(bytes, { level: 9 }));

await using folder = await temporaryFolder('stored');
await fillMeta({ data: folder.path });
const trace = join(folder.path, 'trace');
await mkdir(trace);
const store = sqliteTraceStore({ folder: trace });
await fillTrace(store);
await store.close();
for (const within of [folder.path, trace]) {
  for (const name of await readdir(within)) {
    if (name.endsWith('.db')) await keep(name, await readFile(join(within, name)));
  }
}

const programs = await postgresPrograms();
if (programs === undefined) throw new Error('PostgreSQL is not installed');
await using server = await startPostgres(programs);
await fillMeta({ data: folder.path, shared: { url: server.url, production: PRODUCTION } });
const shared = await postgresTraceStore({ url: server.url, production: PRODUCTION });
await fillTrace(shared);
await shared.close();
const { stdout } = await promisify(execFile)(join(programs, 'pg_dump'), [
  '--no-owner',
  '--no-privileges',
  '--inserts',
  `--dbname=${server.url}`,
]);
await keep('postgres.sql', Buffer.from(stdout));
