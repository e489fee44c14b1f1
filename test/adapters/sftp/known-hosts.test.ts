import { createHmac } from 'node:crypto';
import { expect, test } from 'vitest';
import { knownHost } from '../../../adapters/ssh/prepare.ts';

const KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIABeiQmT/qFqSZVnQQ45RuUJmchWc2ZMKuA4jEGhdhkN';
const FINGERPRINT = 'SHA256:TnamFKXXhhn6o+4NuDTKicIZqGE9/+sYeLhgi8AoXAc';
const line = (hosts: string): string => `${hosts} ssh-ed25519 ${KEY}`;
const at = (host: string, port = 22): { host: string; port: number } => ({ host, port });

function hashed(name: string): string {
  const salt = Buffer.from('01234567890123456789');
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${salt.toString('base64')}|${hash}`;
}

test.for([
  ['a host', line('sftp.example'), at('sftp.example'), true],
  ['another host', line('sftp.example'), at('other.example'), false],
  ['in capitals', line('sftp.example'), at('SFTP.example'), true],
  ['one of several', line('a.example,sftp.example,10.0.0.1'), at('10.0.0.1'), true],
  ['another port needs brackets', line('sftp.example'), at('sftp.example', 2222), false],
  ['with a port', line('[sftp.example]:2222'), at('sftp.example', 2222), true],
  ['a pattern', line('*.example'), at('sftp.example'), true],
  ['a dot is a dot', line('sftp.example'), at('sftpxexample'), false],
  ['all but one', line('*.example,!sftp.example'), at('sftp.example'), false],
  ['hashed', line(hashed('sftp.example')), at('sftp.example'), true],
  ['hashed with a port', line(hashed('[sftp.example]:2222')), at('sftp.example', 2222), true],
  ['hashed, another host', line(hashed('a.example')), at('sftp.example'), false],
  ['a comment', `# ${line('sftp.example')}`, at('sftp.example'), false],
  ['an authority is no key', `@cert-authority ${line('sftp.example')}`, at('sftp.example'), false],
  ['a damaged line', 'sftp.example ssh-ed25519 AAAA', at('sftp.example'), false],
] as const)('%s', ([, text, address, found]) => {
  const { trusted, revoked } = knownHost(`\r\n${text}\r\n\r\n`, address);
  expect(trusted.map(({ fingerprint }) => fingerprint)).toEqual(found ? [FINGERPRINT] : []);
  expect(revoked).toEqual([]);
});

test('a revoked key is told apart', () => {
  const { trusted, revoked } = knownHost(
    `@revoked ${line('sftp.example')}\n${line('sftp.example')}`,
    at('sftp.example'),
  );
  expect(trusted).toHaveLength(1);
  expect(revoked).toEqual([{ fingerprint: FINGERPRINT, type: 'ssh-ed25519' }]);
});

test.for([
  ['*.example', true],
  ['other.example', false],
] as const)('an authority for %s: noticed %s', ([hosts, noticed]) => {
  const { byCertificate } = knownHost(`@cert-authority ${line(hosts)}`, at('sftp.example'));
  expect(byCertificate).toBe(noticed);
});
