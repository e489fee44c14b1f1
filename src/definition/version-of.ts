import { createHash } from 'node:crypto';
import type { Definition } from './definition.ts';

/** Of what the files say, wherever they lie: several engines may have them at different places. */
export function versionOf({ source: { digests } }: Pick<Definition, 'source'>): string {
  const hash = createHash('sha256');
  for (const digest of [...digests.values()].toSorted()) hash.update(`${digest}\n`);
  return hash.digest('base64url').slice(0, 16);
}
