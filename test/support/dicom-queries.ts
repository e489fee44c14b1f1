import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { EXPLICIT_LITTLE_ENDIAN } from '../../adapters/dicom/uids.ts';
import { freePort } from '../../sandbox/free-port.ts';
import { fileHead, identifierFrom } from '../../src/document/index.ts';
import { storescu, untilListening } from './dicom.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** A server of DCMTK that answers queries. */
export interface QueryServer extends AsyncDisposable {
  readonly port: number;
}

/** `wlmscpfs` of DCMTK: the worklist of the application RIS, of these entries. */
export async function worklistServer(
  entries: readonly object[],
  ...more: readonly string[]
): Promise<QueryServer> {
  const folder = await temporaryFolder('worklists');
  await mkdir(join(folder.path, 'RIS'));
  await writeFile(join(folder.path, 'RIS', 'lockfile'), '');
  for (const [n, entry] of entries.entries()) {
    const name = `${String(n).padStart(4, '0')}.wl`;
    await writeFile(join(folder.path, 'RIS', name), worklistFile(entry));
  }
  const options = ['-dfr', '-csk', '-dfp', folder.path, ...more];
  return await serving((port) => ['wlmscpfs', ...options, String(port)], folder);
}

function worklistFile(entry: object): Buffer {
  const ids = {
    classUid: '1.2.276.0.7230010.3.1.0.1',
    instanceUid: '1.2.826.0.1.3680043.9.7777.9',
  };
  const transferSyntax = EXPLICIT_LITTLE_ENDIAN;
  return Buffer.concat([
    fileHead(ids, { transferSyntax, source: '' }),
    identifierFrom(entry, transferSyntax),
  ]);
}

/** `dcmqrscp` of DCMTK: the archive ARCHIVE, with these objects in it. */
export async function archiveServer(
  objects: readonly Buffer[],
  ...more: readonly string[]
): Promise<QueryServer> {
  const folder = await temporaryFolder('archive');
  const images = join(folder.path, 'images');
  const file = join(folder.path, 'dcmqrscp.cfg');
  await mkdir(images);
  await writeFile(file, configuration(images));
  const started = await serving(
    (port) => ['dcmqrscp', '--config', file, ...more, String(port)],
    folder,
  );
  const stored = await storescu(started.port, objects, '-aec', 'ARCHIVE', ...secured(more));
  if (stored.code !== 0) throw new Error(`the objects were not stored: ${stored.said}`);
  return started;
}

/** What a caller says to a server that speaks TLS. */
const secured = (options: readonly string[]): readonly string[] =>
  options.includes('+tls') ? ['+tla', '-ic'] : [];

const configuration = (images: string): string => `MaxPDUSize = 16384
MaxAssociations = 16
HostTable BEGIN
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
ARCHIVE ${images} RW (200, 1024mb) ANY
AETable END
`;

async function serving(
  command: (port: number) => readonly string[],
  folder: AsyncDisposable,
): Promise<QueryServer> {
  const port = await freePort();
  const [program = '', ...given] = command(port);
  // a process for each association, which ends with it
  const child = spawn(program, given, { stdio: 'ignore', detached: true });
  await untilListening(port);
  return {
    port,
    async [Symbol.asyncDispose]() {
      await ended(child);
      await folder[Symbol.asyncDispose]();
    },
  };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null) return;
  const exit = once(child, 'exit');
  process.kill(-child.pid, 'SIGKILL');
  await exit;
}
