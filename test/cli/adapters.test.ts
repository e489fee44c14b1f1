import { expect, test } from 'vitest';
import { allAdapters } from '../../adapters/index.ts';
import { adaptersCommand } from '../../src/cli/command/reference.ts';
import { ran } from '../support/command.ts';

const adapters = await allAdapters();

test('every adapter is listed with its title', async () => {
  const { code, output } = await ran(adaptersCommand(), []);
  expect(code).toBe(0);
  expect(output.trim().split('\n')).toHaveLength(adapters.length);
  for (const { type, title } of adapters)
    expect(output).toMatch(new RegExp(`^${type} .*${RegExp.escape(title)}`, 'm'));
});

test('one adapter is shown with every setting, its help, default and example', async () => {
  const { output } = await ran(adaptersCommand(), ['mllp-out']);
  expect(output).toContain(
    'connect: address (required)\n    Address and port of the peer.\n    example: ward.example:2575',
  );
  expect(output).toContain('- wait: Waits for the first acknowledgement, which is judged');
  expect(output).toContain('  certificate: credential (certificate)');
  const json = JSON.parse((await ran(adaptersCommand(), ['mllp-out', '--json'])).output) as object;
  expect(json).toMatchObject({ type: 'mllp-out', settings: { required: ['connect'] } });
});

test('a mistyped adapter is answered with the nearest one', async () => {
  const { code, errors } = await ran(adaptersCommand(), ['mlp-out']);
  expect(code).toBe(1);
  expect(errors).toContain('there is no adapter mlp-out. Did you mean mllp-out?');
});
