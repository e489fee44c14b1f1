import { expect, test, vi } from 'vitest';
import { alertsCommand } from '../../src/cli/command/alerts.ts';
import { maintenanceCommand } from '../../src/cli/command/maintenance.ts';
import { ran } from '../support/command.ts';
import { operated, WARD } from '../support/operator.ts';
import { webServer } from '../support/web-server.ts';

test('at the command line channels of alerts are tested, and work is planned, listed, made longer and ended', async () => {
  await using web = await webServer(({ path }) => ({ status: path === '/bad' ? 404 : 204 }));
  const settings = `alerts: { channels: { good: { webhook: '${web.url}/good' }, bad: { slack: '${web.url}/bad' } } }\n`;
  await using production = await operated({
    files: { 'data/console.yaml': settings },
    production: WARD.replace('    to: hl7-out\n', '    to: hl7-out\n    alert: { silent: 1s }\n'),
    console: { watchEvery: 500 },
  });
  const where = ['--data', `${production.folder.path}/data`];
  const all = await ran(alertsCommand(), ['test', ...where]);
  expect(all.code).toBe(1);
  expect(all.output).toMatch(/good +webhook +passed/);
  expect(all.output).toMatch(
    /bad +slack +failed .*answered 404\. The webhook may have been removed/,
  );
  const good = await ran(alertsCommand(), ['test', 'good', '--json', ...where]);
  expect(good.code).toBe(0);
  expect(JSON.parse(good.output)).toMatchObject([{ channel: 'good', result: 'passed' }]);
  expect((await ran(alertsCommand(), ['test', 'other', ...where])).output).toContain(
    'no such channel',
  );

  // its service has had nothing for a second
  const listed = await vi.waitFor(async () => {
    const { output } = await ran(alertsCommand(), ['list', '--json', ...where]);
    const alerts = JSON.parse(output) as { readonly rule: string }[];
    // the channels that failed above have theirs
    const silent = alerts.filter(({ rule }) => rule === 'silent');
    expect(silent).not.toEqual([]);
    return silent;
  }, 20_000);
  expect(listed).toMatchObject([{ state: 'open', rule: 'silent', host: 'hl7-in' }]);
  expect((await ran(alertsCommand(), ['list', ...where])).output).toMatch(/warn +hl7-in /);

  const work = (...args: string[]) => ran(maintenanceCommand(), [...args, ...where]);
  const why = ['--reason', 'LIS 7.2'];
  const { id } = JSON.parse((await work('plan', 'hl7-out', ...why, '--json')).output)[0];
  expect((await work('list')).output).toMatch(/hl7-out .* \(in (?:60|59)m\) .* LIS 7\.2/);
  const longer = await work('end', String(id), '--for', '3h', '--json');
  expect(JSON.parse(longer.output)[0].to - Date.now()).toBeGreaterThan(2 * 3_600_000);
  expect((await work('end', String(id))).output).toContain('(over)');
  expect((await work('list')).output).toContain('no work is planned');
  for (const [args, said] of [
    [['end', 'x'], 'x is not the number of planned work'],
    [['end', String(id)], 'it is over'],
    [['plan', 'elsewhere', ...why], 'no host elsewhere'],
    [['plan', ...why], 'name the hosts'],
    [['plan', '--all', 'hl7-out', ...why], 'name the hosts'],
    [['plan', 'hl7-out', '--reason', ' '], 'say why'],
    [['plan', 'hl7-out', '--for', 'forever', ...why], 'is not a time'],
  ] as const) {
    const { code, errors } = await work(...args);
    expect([code, errors], args.join(' ')).toEqual([1, expect.stringContaining(said)]);
  }
});
