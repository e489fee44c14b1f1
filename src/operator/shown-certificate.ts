import { readFile } from 'node:fs/promises';
import type { ShownCertificate } from '../control/certificate-report.ts';
import { describeError } from '../error/engine-error.ts';

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g;

/**
 * The console's own certificate with its chain as its file is now, for the engines, which judge what
 * ends. Of a file that holds the key as well, the certificates alone.
 */
export async function shownCertificate(file: string): Promise<ShownCertificate> {
  try {
    const text = await readFile(file, 'latin1');
    return { chain: text.match(CERTIFICATE) ?? [] };
  } catch (error) {
    return { chain: [], problem: `it cannot be read: ${describeError(error).code}` };
  }
}
