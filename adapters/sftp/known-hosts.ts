import { createHmac } from 'node:crypto';
import type { setting } from 'waybill/adapter';
import { type HostKeyPin, readPin } from './host-key.ts';

/** What a `known_hosts` file says of one host. */
export interface KnownHost {
  readonly trusted: readonly HostKeyPin[];
  /** Keys marked `@revoked`: never trusted, whatever else says so. */
  readonly revoked: readonly HostKeyPin[];
  /** Its key is vouched for by a certificate (`@cert-authority`), which the SSH library does not know. */
  readonly byCertificate: boolean;
}

/** Reads the lines of a `known_hosts` file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) that are about an address. */
export function knownHost(text: string, address: setting.Address): KnownHost {
  const trusted: HostKeyPin[] = [];
  const revoked: HostKeyPin[] = [];
  let byCertificate = false;
  for (const line of text.split(/\r?\n/)) {
    const words = line.trim().split(/\s+/);
    const marker = words[0]?.startsWith('@') === true ? words.shift() : undefined;
    const [hosts = '', ...key] = words;
    if (hosts === '' || hosts.startsWith('#') || !isMeant(hosts, address)) continue;
    const pin = readPin(key.join(' '));
    if (pin === undefined) continue;
    if (marker === '@revoked') revoked.push(pin);
    else if (marker === '@cert-authority') byCertificate = true;
    else if (marker === undefined) trusted.push(pin);
  }
  return { trusted, revoked, byCertificate };
}

function isMeant(hosts: string, { host, port }: setting.Address): boolean {
  const name = port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
  if (hosts.startsWith('|1|')) return isHashOf(hosts, name);
  const patterns = hosts.toLowerCase().split(',');
  const matches = (pattern: string): boolean => globbed(pattern).test(name);
  const denied = patterns.some((one) => one.startsWith('!') && matches(one.slice(1)));
  return !denied && patterns.some((one) => !one.startsWith('!') && matches(one));
}

/** `|1|salt|hash`: ssh-keygen -H hides the names. */
function isHashOf(hosts: string, name: string): boolean {
  const [, , salt = '', hash = ''] = hosts.split('|');
  return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
}

function globbed(pattern: string): RegExp {
  const escaped = pattern.replaceAll(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
