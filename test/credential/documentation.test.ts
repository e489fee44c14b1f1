import { readFile } from 'node:fs/promises';
import { expect, test } from 'vitest';
import type { Settings } from '../../src/adapter/setting.ts';
import { credentialKinds } from '../../src/credential/kind/credential-kinds.ts';

const page = await readFile(new URL('../../docs/credentials.md', import.meta.url), 'utf8');

/** The part of the page about a kind, and the settings its tables name. */
function documented(kind: string): string[] {
  const [, section = ''] = page.split(`\n### ${kind}\n`);
  const [own = ''] = section.split(/\n##+ /);
  return [...own.matchAll(/^\| `(\w+)` \|/gm)].map(([, name = '']) => name);
}

/** A group's settings count too; those of `federatedToken` stand in its own row. */
function declared(settings: Settings): string[] {
  return Object.entries(settings).flatMap(([name, { fields }]) => [
    name,
    ...(fields === undefined || name === 'federatedToken' ? [] : declared(fields)),
  ]);
}

test.for(Object.keys(credentialKinds) as (keyof typeof credentialKinds)[])(
  'the page names every setting of %s and no other',
  (kind) => {
    expect(documented(kind).toSorted()).toEqual(
      declared(credentialKinds[kind].settings).toSorted(),
    );
  },
);

test('the page has a section for every kind', () => {
  const [, kinds = ''] = page.split('\n## Kinds\n');
  const [own = ''] = kinds.split('\n## ');
  const sections = [...own.matchAll(/^### (.+)$/gm)].map(([, name = '']) => name);
  expect(sections.toSorted()).toEqual(Object.keys(credentialKinds).toSorted());
});
