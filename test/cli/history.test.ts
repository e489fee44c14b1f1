import { expect, test, vi } from 'vitest';
import { historyCommand, rollBackCommand } from '../../src/cli/command/history.ts';
import { applyCommand } from '../../src/cli/command/operate.ts';
import { GOOD_TABLE, LOOKUP_FILES, LOOKUP_PRODUCTION } from '../support/bad-lookup.ts';
import { ran } from '../support/command.ts';
import { operated } from '../support/operator.ts';

test('what was applied is listed, compared and taken back at the command line, and is in the audit log', async () => {
  await using production = await operated({ production: LOOKUP_PRODUCTION, files: LOOKUP_FILES });
  const where = ['--data', `${production.folder.path}/data`];
  await production.folder.write({ 'wards.csv': GOOD_TABLE });
  const list = async () => {
    const { output } = await ran(historyCommand(), [...where, '--json']);
    return JSON.parse(output) as { version: string; reason?: string }[];
  };
  await vi.waitFor(async () => expect(await list()).toHaveLength(1));
  const applied = await ran(applyCommand(), [...where, '--reason', 'W1 was missing']);
  expect(applied.code).toBe(0);
  const [now, first] = await list();
  expect(now?.reason).toBe('W1 was missing');
  const text = await ran(historyCommand(), where);
  expect(text.output).toMatch(/apply +W1 was missing/);
  const shown = await ran(historyCommand(), [`${first?.version}`, ...where]);
  expect(shown.output).toContain('lookups.wards: as it was → changed');
  const without = await ran(rollBackCommand(), [`${first?.version}`, ...where]);
  expect(without.code).not.toBe(0);
  const back = await ran(rollBackCommand(), [`${first?.version}`, '--reason', 'wrong', ...where]);
  expect(back).toMatchObject({ code: 0, output: `wrote wards.csv\n${first?.version} runs\n` });
  expect(production.running.definition.lookups.lookup('wards', 'X')).toBe('Nowhere');
  await vi.waitFor(async () => {
    const { body } = await production.ask<{ rows: { via: string; detail: string }[] }>(
      'GET',
      '/api/v1/audit?action=config.roll_back',
    );
    expect(body.rows[0]).toMatchObject({ via: 'command line' });
    expect(body.rows[0]?.detail).toContain('wrong');
  });
});
