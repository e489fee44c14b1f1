import { BlockList, isIP } from 'node:net';

/** Whether an address is one of these, or in one of these networks (`10.0.0.0/8`). */
export function isAmong(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const one of networks) {
    const [network = '', bits] = one.split('/');
    const family = isIP(network) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(network, family);
    else list.addSubnet(network, Number(bits), family);
  }
  return (given) => {
    const address = given.replace(/^::ffff:/, '');
    const version = isIP(address);
    return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}

/** Whether it is a loopback address, and not a name that begins like one. */
export function isLoopback(address: string | undefined): boolean {
  return address !== undefined && /^(?:::ffff:)?127(?:\.\d+){3}$|^::1$|^localhost$/.test(address);
}

/** `X-Forwarded-For` without the ports that some gateways write: they differ with each connection, and would make one guesser many. */
export function withoutPorts(forwarded: string): string {
  return forwarded
    .split(',')
    .map((one) => one.trim())
    .map((one) => /^\[([^\]]+)\](?::\d+)?$/.exec(one)?.[1] ?? one.replace(/^([\d.]+):\d+$/, '$1'))
    .join(', ');
}
