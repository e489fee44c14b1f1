import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * What an authority of OpenSSL makes of a certificate request, by default for 20 days: its own certificate (`CN=Own`), then
 * the signed one.
 */
export async function signedByOpenssl(
  request: string,
  until: readonly string[] = ['-days', '20'],
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'waybill-openssl-'));
  const at = (name: string): string => join(folder, name);
  try {
    await writeFile(at('csr'), request);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    const own = ['-keyout', at('key'), '-out', at('ca'), '-days', '30', '-subj', '/CN=Own'];
    await run('openssl', ['req', '-x509', ...key, ...own]);
    const by = [
      '-CA',
      at('ca'),
      '-CAkey',
      at('key'),
      '-CAcreateserial',
      '-copy_extensions',
      'copy',
    ];
    const { stdout } = await run('openssl', ['x509', '-req', '-in', at('csr'), ...by, ...until]);
    return (await readFile(at('ca'), 'utf8')) + stdout;
  } finally {
    await rm(folder, { recursive: true });
  }
}
