import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { describeError, EngineError } from '../../error/engine-error.ts';
import { fileInTar } from './tar.ts';

export const NATS_RELEASE = 'v2.10.27';
export const NATS_DOWNLOADS = 'https://github.com/nats-io/nats-server/releases/download';

/** An archive that may be used: its name and SHA-256. */
export interface NatsArchive {
  readonly platform: string;
  readonly sum: string;
}

/**
 * By platform of Node. The checksums are those with which the project's own container images were
 * built; they are in the code because checksums next to a tampered archive may be tampered with
 * too. macOS has packages.
 */
export const NATS_ARCHIVES: Readonly<Record<string, NatsArchive>> = {
  'linux-x64': {
    platform: 'linux-amd64',
    sum: '0c3f53edaf1acccc41866d49d9c3626c9de8c9138b2fc11bbadfd3a4eb544ef1',
  },
  'linux-arm64': {
    platform: 'linux-arm64',
    sum: '47067e41dc27890d9665ddf429ce24f9ed50bddd035dee63b915fcfcb1f8043b',
  },
};

/**
 * Downloads the official release of nats-server into a folder; the archive must have the known
 * checksum, otherwise nothing is kept. Throws BROKER_UNAVAILABLE with what failed.
 */
export async function fetchNatsRelease(
  downloads: string,
  folder: string,
  archives: Readonly<Record<string, NatsArchive>> = NATS_ARCHIVES,
): Promise<string> {
  const known = archives[`${process.platform}-${process.arch}`];
  if (known === undefined) {
    throw failed(`no release is known for ${process.platform} on ${process.arch}`, false);
  }
  const archive = `nats-server-${NATS_RELEASE}-${known.platform}.tar.gz`;
  const bytes = await get(`${downloads}/${NATS_RELEASE}/${archive}`);
  if (createHash('sha256').update(bytes).digest('hex') !== known.sum) {
    throw failed(
      `${archive} was not used, since its checksum is not that of the release: it was damaged or changed, in transit or at its source`,
      true,
    );
  }
  const program = fileInTar(await unpacked(bytes, archive), 'nats-server');
  if (program === undefined) throw failed(`${archive} contains no nats-server`, false);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'nats-server');
  // another process may be downloading it as well, or running the existing one
  const part = `${file}.${process.pid}.part`;
  try {
    await writeFile(part, program, { mode: 0o755 });
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
  return file;
}

async function unpacked(bytes: Buffer, archive: string): Promise<Buffer> {
  try {
    return await promisify(gunzip)(bytes);
  } catch {
    throw failed(`${archive} cannot be unpacked`, false);
  }
}

async function get(url: string): Promise<Buffer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(120_000) });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    throw failed(`GET ${url} answered ${response.status}`, response.status >= 500);
  } catch (error) {
    if (error instanceof EngineError) throw error;
    const { cause } = error as Error;
    const why = describeError(cause instanceof Error ? cause : error).text;
    throw failed(`GET ${url} failed: ${why}`, true);
  }
}

function failed(what: string, retryable: boolean): EngineError {
  return new EngineError('BROKER_UNAVAILABLE', what, { retryable });
}
