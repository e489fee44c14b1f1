import { expect, test } from 'vitest';
import { expressionsCommand } from '../../src/cli/command/reference.ts';
import { ran } from '../support/command.ts';

test('names, functions and paths are listed, or those that have to do with a word', async () => {
  const { code, output } = await ran(expressionsCommand(), []);
  expect(code).toBe(0);
  expect(output).toMatch(/^ {2}received +timestamp +When the session's first message/m);
  expect(output).toMatch(/^ {2}field\(string\): string +The value at a path/m);
  expect(output).toMatch(/^ {2}PID-3\[2\]\.4 +One repetition/m);
  const { output: some } = await ran(expressionsCommand(), ['capital']);
  expect(some).toContain('capitalize(string)');
  expect(some).not.toContain('received');
  // a group's title counts too, and what stands for the turn of a loop is found
  expect((await ran(expressionsCommand(), ['date'])).output).toContain('daysBetween(');
  expect((await ran(expressionsCommand(), ['#'])).output).toContain('OBX[#]-5');
  const none = await ran(expressionsCommand(), ['zebra']);
  expect(none).toMatchObject({ code: 1, errors: expect.stringContaining('no name, function') });
  const json = JSON.parse((await ran(expressionsCommand(), ['OBX', '--json'])).output) as object;
  expect(json).toMatchObject({ paths: [{ kind: 'hl7' }] });
});
