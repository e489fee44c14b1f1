import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { certificateCommand } from '../../src/cli/command/certificate.ts';
import { ran } from '../support/command.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const openssl = (...args: string[]): string => execFileSync('openssl', args, { encoding: 'utf8' });

test.for([
  ['--rsa', /3072 bit/],
  ['', /256 bit/],
] as const)(
  'a request is one that openssl reads, with its names, and nothing is overwritten %s',
  async ([kind, bits]) => {
    await using folder = await temporaryFolder('request');
    const out = join(folder.path, 'hub');
    const args = ['request', 'hub.example', '--name', 'DNS:*.lab.example', '--name', 'IP:10.0.0.1'];
    const all = [...args, '--out', out, ...(kind === '' ? [] : [kind])];
    expect(await ran(certificateCommand(), all)).toMatchObject({ code: 0 });
    const text = openssl('req', '-in', `${out}.csr`, '-noout', '-text', '-verify');
    expect(text).toMatch(bits);
    expect(text).toMatch(/CN ?= ?hub\.example/);
    expect(text).toMatch(/DNS:hub\.example, DNS:\*\.lab\.example, IP Address:10\.0\.0\.1/);
    const ofKey = openssl('pkey', '-in', `${out}.key`, '-pubout');
    expect(openssl('req', '-in', `${out}.csr`, '-noout', '-pubkey')).toBe(ofKey);
    expect((await stat(`${out}.key`)).mode & 0o777).toBe(0o600);
    const again = await ran(certificateCommand(), all);
    expect(again.code).not.toBe(0);
    expect(again.errors).toContain('hub.key cannot be written (EEXIST)');
  },
);

test('a name that is none is named', async () => {
  const { code, errors } = await ran(certificateCommand(), ['request', 'x', '--name', 'hub']);
  expect(code).not.toBe(0);
  expect(errors).toContain('hub is not DNS:, URI: or IP: with a value');
});
