import { BlockList, isIP } from 'node:net';
import { bad, good, type Setting } from '../../adapter/setting.ts';

/** An address or a network, for comparison with a client's. */
export interface AllowedAddress {
  readonly network: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Bits of the network; all bits for a single address. */
  readonly prefix: number;
}

/** An entry of a list of addresses: `10.1.2.3`, `10.1.0.0/16`, `2001:db8::/32`. */
export const allowedAddress: Setting<AllowedAddress, string> = {
  kind: 'text',
  help: 'An address (10.1.2.3) or a network (10.1.0.0/16, 2001:db8::/32).',
  example: '10.1.0.0/16',
  read: (given) => {
    const address = typeof given === 'string' ? parse(given) : undefined;
    return address === undefined
      ? bad('must be an address such as 10.1.2.3 or a network such as 10.1.0.0/16')
      : good(address);
  },
};

function parse(text: string): AllowedAddress | undefined {
  const [, network = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text.trim()) ?? [];
  const version = isIP(network);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const prefix = bits === undefined ? most : Number(bits);
  const family = version === 4 ? 'ipv4' : 'ipv6';
  return prefix > most ? undefined : { network, family, prefix };
}

/** Whether a client's address is in one of the networks. An empty list allows all. */
export function addressFilter(allowed: readonly AllowedAddress[]): (address: string) => boolean {
  if (allowed.length === 0) return () => true;
  const list = new BlockList();
  for (const { network, family, prefix } of allowed) list.addSubnet(network, prefix, family);
  return (address) => list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** A socket's address without the prefix of IPv4 addresses on dual-stack sockets. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '');
}
