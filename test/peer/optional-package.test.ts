import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { missingPackage, optionalPackage } from '../../src/peer/index.ts';

test('a package that is there is loaded', async () => {
  expect(missingPackage('tedious')).toBeUndefined();
  expect(await optionalPackage('tedious', async () => 'loaded')).toBe('loaded');
});

test('one that is missing is named, with how to install it, and nothing is loaded', async () => {
  await expect(
    optionalPackage('waybill-not-there', () => Promise.reject(new Error('loaded'))),
  ).rejects.toMatchObject({
    code: 'ADAPTER_DISABLED',
    message: expect.stringMatching(/npm install waybill-not-there@/),
  });
});

test('what fails inside a package is no matter of its being installed', async () => {
  const broken = new Error('broken');
  await expect(optionalPackage('tedious', () => Promise.reject(broken))).rejects.toBe(broken);
});

test('the versions that pages and examples tell to install are those of the package', () => {
  const { peerDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  for (const page of ['adapters/sql/README.md', 'productions/ward-database/README.md']) {
    const told = [...readFileSync(page, 'utf8').matchAll(/tedious@([\d.]+)/g)];
    expect(told.map(([, version]) => version)).not.toEqual([]);
    for (const [, version] of told) expect(version).toBe(peerDependencies['tedious']);
  }
});
