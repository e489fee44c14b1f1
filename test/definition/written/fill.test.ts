import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeProblem, problemList } from '../../../src/definition/problem.ts';
import { fill } from '../../../src/definition/written/fill.ts';
import { parseYaml } from '../../../src/definition/written/parse-yaml.ts';
import { shown, valueAt, type Written } from '../../../src/definition/written/written.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const secrets = (name: string): string | undefined =>
  name === 'graph' ? 'very-secret' : undefined;

async function filled(
  text: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<{ written: Written; problems: string[] }> {
  await using folder = await temporaryFolder('fill');
  await writeFile(join(folder.path, 'token'), 'from-a-file\n');
  const problems = problemList();
  const parsed = parseYaml('a.yaml', text, problems);
  if (parsed === undefined) throw new Error('not YAML');
  const written = await fill(parsed, { folder: folder.path, environment, secrets }, problems);
  return { written, problems: problems.list().map(describeProblem) };
}

const valueOf = (written: Written, ...keys: string[]): unknown => {
  const value = valueAt(written, keys);
  return value?.kind === 'scalar' ? value.value : undefined;
};

test('variables, defaults, files and secrets are filled in', async () => {
  const { written, problems } = await filled(
    [
      'a: "x ${env:HOST}:${env:PORT:-2575} y"',
      'b: ${env:EMPTY:-standard}',
      'c: ${file:token}',
      'd: $${env:HOST}',
      'credentials: { graph: { secret: "${secret:graph}" } }',
    ].join('\n'),
    { HOST: 'ward', EMPTY: '' },
  );
  expect(problems).toEqual([]);
  expect(valueOf(written, 'a')).toBe('x ward:2575 y');
  expect(valueOf(written, 'b')).toBe('standard');
  expect(valueOf(written, 'c')).toBe('from-a-file');
  expect(valueOf(written, 'd')).toBe('${env:HOST}');
  expect(valueOf(written, 'credentials', 'graph', 'secret')).toBe('very-secret');
});

test('what is shown of a file or secret is how it was written', async () => {
  const { written } = await filled(
    'a: ${file:token}\nb: ${env:X}\ncredentials: { c: "${secret:graph}", d: "${env:X}" }',
    { X: 'y' },
  );
  expect(shown(written)).toEqual({
    a: '${file:token}',
    b: 'y',
    credentials: { c: '${secret:graph}', d: '${env:X}' },
  });
});

test('everything that is missing is reported at once, each at its own place', async () => {
  const { problems } = await filled(
    [
      'a: "x ${env:NONE} ${file:gone}"',
      'b: ${secret:graph}',
      'credentials: { c: "${secret:other}" }',
      'd: ${nothing}',
    ].join('\n'),
  );
  expect(problems).toEqual([
    'a.yaml:1:7 a: the environment variable NONE is not set. Set NONE, or give a default: ${env:NONE:-default}.',
    expect.stringContaining('a.yaml:1:19 a: the file gone cannot be read (ENOENT).'),
    'a.yaml:2:4 b: secrets are allowed only under credentials. Make an entry under credentials, and name it here.',
    'a.yaml:3:20 credentials.c: there is no secret named other. Set it: waybill secret set other.',
    expect.stringContaining('a.yaml:4:4 d: ${nothing} is not a known value.'),
  ]);
});

test('the place of a character after a filled value is that in the file', async () => {
  const { written } = await filled('a: "${env:LONG} end"', { LONG: 'abcdefghijklmnopqrstuvwxyz' });
  const value = valueAt(written, ['a']);
  const at = (offset: number) => (value?.kind === 'scalar' ? value.placeOf(offset).column : 0);
  expect([at(0), at(10), at(27)]).toEqual([5, 5, 17]);
});
