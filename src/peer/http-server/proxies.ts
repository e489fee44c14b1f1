import { BlockList, isIP } from 'node:net';
import { bad, good, list, type Setting } from '../../adapter/setting.ts';
import type { Incoming } from './incoming.ts';

/** An address, or a network such as `10.0.0.0/8`. */
const network: Setting<string, string> = {
  kind: 'text',
  help: 'The address of a proxy, or a network.',
  example: '10.1.2.3',
  read: (given) => {
    const [address = '', bits = '0', ...rest] = String(given).trim().split('/');
    const most = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
    return rest.length === 0 && /^\d+$/.test(bits) && Number(bits) <= most
      ? good(String(given).trim())
      : bad('must be an address such as 10.1.2.3, or a network such as 10.0.0.0/8');
  },
};

/** The trusted proxies. */
export const proxies = list(network, {
  help: 'The proxies in front of this port, by address or network, whose X-Forwarded-For says who calls. Without them, a proxy counts as one caller, and what one person guesses slows down everybody behind it.',
  example: '["10.1.2.3"]',
  advanced: true,
});

/** Who calls: what the nearest proxy says, if it is one of these; only its entry is not the caller's own claim. */
export function callerAddresses(
  trusted: readonly string[],
): (incoming: Pick<Incoming, 'address' | 'headers'>) => string {
  const known = new BlockList();
  for (const one of trusted) {
    const [address = '', bits] = one.split('/');
    if (bits === undefined) known.addAddress(address, familyOf(address));
    else known.addSubnet(address, Number(bits), familyOf(address));
  }
  return ({ address, headers }) => {
    if (isIP(address) === 0 || !known.check(address, familyOf(address))) return address;
    const told = headers['x-forwarded-for']?.toString().split(',').at(-1)?.trim() ?? '';
    return told === '' ? address : withoutPort(told).slice(0, 64);
  };
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 6 ? 'ipv6' : 'ipv4');

/** IIS and gateways of Azure write the port too, which differs with each connection: it would make one attacker look like many. */
const withoutPort = (address: string): string =>
  address.replace(/^\[([^\]]+)\](?::\d+)?$/, '$1').replace(/^(\d+(?:\.\d+){3}):\d+$/, '$1');
