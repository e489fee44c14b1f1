import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

test('every test that docs/security.md names is there, under that title', () => {
  const page = readFileSync('docs/security.md', 'utf8');
  const named = [...page.matchAll(/^\| [\d.,– ]+ \| .* \| `([^`]+)`: (.+) \|$/gm)].map(
    ([, file = '', title = '']) => ({ file, title }),
  );
  const rows = page.split('\n').filter((line) => /^\| \d/.test(line));
  expect(named).toHaveLength(rows.length);
  expect(rows.length).toBeGreaterThan(40);
  const missing = named.filter(
    ({ file, title }) => !existsSync(file) || !readFileSync(file, 'utf8').includes(`'${title}'`),
  );
  expect(missing).toEqual([]);
});
