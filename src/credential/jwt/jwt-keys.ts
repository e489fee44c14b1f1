import type { JWTVerifyGetKey } from 'jose';
import type { Clock } from '../../time/clock.ts';
import type { EntryReader } from '../entry-reader.ts';
import { readPem } from '../read-pem.ts';
import { type Jwt, jwt } from './jwt.ts';
import { remoteKeys } from './remote-keys.ts';

/** The `jwt-key` credentials of a production by name, read when they are asked for; published keys are kept. */
export function jwtKeys(reader: EntryReader, clock: Clock): (name: string) => Promise<Jwt> {
  const remote = new Map<string, JWTVerifyGetKey>();
  return async (name) => {
    const values = await reader.readKind(name, 'jwt-key', 'signing and verifying tokens');
    const trust = values.trust && (await readPem(name, 'trust', values.trust)).text;
    const { jwksUrl: url } = values;
    if (url === undefined) return jwt(values, { credential: name, clock, published: undefined });
    const key = `${name} ${url.href} ${trust ?? ''}`;
    const published = remote.get(key) ?? remoteKeys({ credential: name, url, trust });
    remote.set(key, published);
    return jwt(values, { credential: name, clock, published });
  };
}
