import type { ParsedKey } from 'ssh2';
import { newsFilter } from 'waybill/peer/basics';
import type { Attempt } from './connect-failure.ts';
import { fingerprint, isAmong, keyType } from './host-key.ts';
import type { ConnectLent } from './prepare.ts';

const DAY = 86_400_000;
const isNews = newsFilter(DAY);

/**
 * A server that is about to change its host key announces the next one (`hostkeys-00@openssh.com`); the library has
 * checked that it has it. Told of is what it will show in place of the present key: one of the same kind that nobody
 * here trusts yet.
 */
export function tellSuccessors(
  keys: readonly ParsedKey[],
  { place, shown, trusted }: Attempt,
  { event }: ConnectLent,
): void {
  const announced = keys.map((key) => key.getPublicSSH());
  const next = announced.filter((key) => keyType(key) === shown?.type).map(fingerprint);
  for (const one of next.filter((each) => !isAmong(trusted, each))) {
    if (event === undefined || !isNews(`${place} ${one}`)) continue;
    event(
      'warn',
      'host-key-announced',
      `${place} announces another host key, ${shown?.type} ${one}, and will show it in place of the present one. Ask its owner, then put it beside the present one under hostKey or in known_hosts: without it the connection is refused after the change.`,
    );
  }
}
