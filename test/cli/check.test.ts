import { relative } from 'node:path';
import { expect, test } from 'vitest';
import { checkCommand } from '../../src/cli/check.ts';
import { ran } from '../support/command.ts';
import { productionFolder } from '../support/production.ts';

const from = (path: string): string => relative('.', path);

const GOOD = `production: good
services: { in: { adapter: mllp-in, settings: { listen: 127.0.0.1:2575 }, to: out } }
operations: { out: { adapter: mllp-out, settings: { connect: 127.0.0.1:2576 } } }
`;

test('a production without problems is summed up in a line, with exit code 0', async () => {
  await using folder = await productionFolder({ 'p/production.yaml': GOOD });
  expect(await ran(checkCommand(), [`${folder.path}/p`])).toEqual({
    code: 0,
    output: 'good: 1 service, 0 processes, 1 operation; no problems\n',
    errors: '',
  });
});

test('problems are shown with a path that a terminal can open, with exit code 1', async () => {
  await using folder = await productionFolder({
    'p/production.yaml': GOOD.replace('to: out', 'to: uot'),
  });
  expect(await ran(checkCommand(), [`${folder.path}/p`])).toMatchObject({
    code: 1,
    output: `${from(folder.path)}/p/production.yaml:2:79 services.in.to: no process or operation is named uot. Did you mean out?\n${folder.path}/p: 1 error\n`,
  });
});

test('several productions are checked for the ports they share', async () => {
  await using folder = await productionFolder({
    'one/production.yaml': GOOD,
    'two/production.yaml': GOOD.replace('good', 'better'),
  });
  const { code, output } = await ran(checkCommand(), [`${folder.path}/one`, `${folder.path}/two`]);
  expect(code).toBe(1);
  expect(output).toContain(
    '/two/production.yaml:2:49 services.in.settings.listen: in of the production good listens on port 2575 already.',
  );
});

test('secrets that are missing can be assumed', async () => {
  await using folder = await productionFolder({
    'production.yaml': `${GOOD}credentials: { a: { kind: basic, user: x, password: "\${secret:gone}" } }\n`,
  });
  const data = `--data=${folder.path}/data`;
  const strict = await ran(checkCommand(), [folder.path, data, '--json']);
  expect(strict.code).toBe(1);
  expect(JSON.parse(strict.output)).toMatchObject([
    { problems: [{ path: 'credentials.a.password', severity: 'error', line: 4 }] },
  ]);
  const assumed = await ran(checkCommand(), [folder.path, data, '--assume-secrets']);
  expect(assumed.code).toBe(0);
});
