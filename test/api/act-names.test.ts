import { globSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const MESSAGE_ACT =
  /action: (?:edited \? '(message\.\w+)' : )?'(message\.\w+)',\s*object: `(?:message|session) /g;

test('every act on a message or session that a report of who saw a patient may show has a name there', () => {
  const names = readFileSync('console/src/audit/act-names.ts', 'utf8');
  const acts = globSync('src/api/**/*.ts').flatMap((file) =>
    [...readFileSync(file, 'utf8').matchAll(MESSAGE_ACT)].flatMap(([, ...found]) =>
      found.filter(Boolean),
    ),
  );
  expect(acts).toContain('message.rehearse');
  expect([...new Set(acts)].filter((act) => !names.includes(`'${act}': t(`))).toEqual([]);
});
