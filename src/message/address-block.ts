import { isIP } from 'node:net';

/**
 * What stands for one machine or household where callers are counted by address: an IPv4 address, or the /64 of an IPv6
 * one, of which whoever has one address has all. Addresses that are only valid on one link stay as they are.
 */
export function addressBlock(address: string): string {
  const [plain = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  if (isIP(plain) !== 6 || /^fe[89ab]/i.test(plain)) return plain;
  const [head = '', tail = ''] = plain.toLowerCase().split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail);
  // an IPv4 address at the end stands for two groups
  const missing = 8 - before.length - after.length - (plain.includes('.') ? 1 : 0);
  const groups = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
  const first = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16));
  return `${first.join(':')}::/64`;
}

const groupsOf = (text: string): string[] => (text === '' ? [] : text.split(':'));
