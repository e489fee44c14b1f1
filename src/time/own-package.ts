import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { isSystemError, tolerate } from '../error/foreseen.ts';

/** The package of this program, of which another version, or none, lies where it was started from. */
export interface ReplacedPackage {
  readonly runs: string;
  /** undefined: it is gone. */
  readonly installed: string | undefined;
}

const require = createRequire(import.meta.url);

/** package.json of this program, and its version when it was started. */
const started = ((): { readonly path: string; readonly version: string } | undefined => {
  try {
    const path = require.resolve('waybill/package.json');
    return { path, version: versionIn(readFileSync(path, 'utf8')) };
  } catch {
    // run from elsewhere than its package, so nothing can be replaced there
    return undefined;
  }
})();

/** Whether the package was replaced below the running program: what it has not loaded yet is not there, or of another version. */
export async function replacedPackage(of = started): Promise<ReplacedPackage | undefined> {
  if (of === undefined) return undefined;
  try {
    const installed = versionIn(await readFile(of.path, 'utf8'));
    return installed === of.version ? undefined : { runs: of.version, installed };
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR'))
      return { runs: of.version, installed: undefined };
    // not to be read now (no descriptor left, half written): the next look tells
    return tolerate(
      error,
      (one) => isSystemError(one) || one instanceof SyntaxError,
      'reading the own package',
    );
  }
}

function versionIn(json: string): string {
  return (JSON.parse(json) as { readonly version: string }).version;
}
