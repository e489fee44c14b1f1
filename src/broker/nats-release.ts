import { createHash } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { describeError, EngineError } from '../error/engine-error.ts';
import { fileInTar } from './tar.ts';

export const NATS_RELEASE = 'v2.10.27';
export const NATS_DOWNLOADS = 'https://github.com/nats-io/nats-server/releases/download';

const PLATFORMS: Readonly<Record<string, string>> = {
  'linux-x64': 'linux-amd64',
  'linux-arm64': 'linux-arm64',
  'darwin-x64': 'darwin-amd64',
  'darwin-arm64': 'darwin-arm64',
};

/**
 * Fetches the official release of nats-server into a folder; the archive must match the release's
 * SHA256SUMS, else nothing of it is kept. Throws BROKER_UNAVAILABLE with what failed.
 */
export async function fetchNatsRelease(downloads: string, folder: string): Promise<string> {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  if (platform === undefined) {
    throw failed(`there is no release for ${process.platform} on ${process.arch}`, false);
  }
  const archive = `nats-server-${NATS_RELEASE}-${platform}.tar.gz`;
  const sums = (await get(`${downloads}/${NATS_RELEASE}/SHA256SUMS`)).toString();
  const bytes = await get(`${downloads}/${NATS_RELEASE}/${archive}`);
  const line = sums.split('\n').find((one) => one.trim().split(/\s+\*?/)[1] === archive);
  const actual = createHash('sha256').update(bytes).digest('hex');
  if (line?.split(/\s/)[0]?.toLowerCase() !== actual) {
    const why = line === undefined ? 'SHA256SUMS does not name it' : 'its checksum is wrong';
    throw failed(
      `${archive} was not used, since ${why}: it was damaged or changed on the way`,
      true,
    );
  }
  const program = fileInTar(await unpacked(bytes, archive), 'nats-server');
  if (program === undefined) throw failed(`${archive} holds no nats-server`, false);
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'nats-server');
  // another process may be fetching it too, or running the one that is there
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
