import { expect, test } from 'vitest';
import { alertsCommand } from '../../src/cli/command/alerts.ts';
import { ran } from '../support/command.ts';
import { operated } from '../support/operator.ts';
import { webServer } from '../support/web-server.ts';

test('channels of alerts are tested at the command line, and one that fails is the exit code', async () => {
  await using web = await webServer(({ path }) => ({ status: path === '/bad' ? 404 : 204 }));
  const settings = `alerts: { channels: { good: { webhook: '${web.url}/good' }, bad: { slack: '${web.url}/bad' } } }\n`;
  await using production = await operated({ files: { 'data/console.yaml': settings } });
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
});
