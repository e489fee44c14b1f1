import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './temporary-folder.ts';

const run = promisify(execFile);

/** How OpenSSL wraps a mail entity. `streamed`: with lengths only known at the end, as written by mail programs. */
export type Wrapping = 'clear' | 'opaque' | 'streamed' | 'encrypted';

/** The arguments before the certificate. */
const ARGUMENTS: Readonly<Record<Wrapping, readonly string[]>> = {
  clear: ['-sign', '-inkey', 'key', '-signer'],
  opaque: ['-sign', '-nodetach', '-inkey', 'key', '-signer'],
  streamed: ['-sign', '-nodetach', '-stream', '-inkey', 'key', '-signer'],
  encrypted: ['-encrypt', '-aes256'],
};

const KEY =
  'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=Lab -keyout key -out certificate -days 2'.split(
    ' ',
  );

/** A mail entity, signed or encrypted by OpenSSL: a mail without addresses and subject. */
export async function smime(entity: Buffer, wrapping: Wrapping): Promise<Buffer> {
  await using folder = await temporaryFolder('smime');
  const at = { cwd: folder.path };
  await run('openssl', KEY, at);
  await writeFile(join(folder.path, 'mail'), entity);
  const files = ['-binary', '-in', 'mail', '-out', 'out', '-outform', 'SMIME'];
  await run('openssl', ['cms', ...files, ...ARGUMENTS[wrapping], 'certificate'], at);
  return await readFile(join(folder.path, 'out'));
}
