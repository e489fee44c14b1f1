import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { consoleProblems } from '../../../src/access/sign-in/check-console.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

async function problems(text: string, environment: Record<string, string> = {}): Promise<string[]> {
  await using folder = await temporaryFolder('alerts');
  const file = join(folder.path, 'console.yaml');
  await writeFile(file, `alerts:\n${text}`);
  return (await consoleProblems(file, environment)).map(
    ({ text: what, line }) => `${line}: ${what}`,
  );
}

test('whom alerts go to is checked by name before anything starts', async () => {
  const text = `  zone: Europe/Berlino
  channels:
    mail: { operation: registrar }
    both: { webhook: 'https://a.example', slack: 'https://b.example' }
    ftp: { webhook: 'ftp://a.example' }
    heads: { teams: 'https://a.example', headers: { x: y } }
    relay: { mail: { server: smtp.example, user: x, from: a@b.example, to: [c@d.example] } }
  people:
    ann: [mail, pigeon]
    mail: [mail]
  rota:
    - { from: mon 08:00, to: mon 08:00, who: [zoe] }
  steps:
    - { to: [on-call, eve], after: 5m }
  privacy: [nobody]
`;
  expect(await problems(text)).toEqual([
    '2: alerts.zone: Europe/Berlino is no time zone; write one such as Europe/Berlin',
    '5: alerts.channels.both: write one of operation, webhook, teams, slack, mail',
    '6: alerts.channels.ftp.webhook: write an http or https address',
    '7: alerts.channels.heads.headers: only a webhook has headers',
    '8: alerts.channels.relay.mail.server: write host:port, such as smtp.example:587',
    '8: alerts.channels.relay.mail: user and password belong together',
    '10: alerts.people.ann: there is no pigeon under channels or people',
    '11: alerts.people.mail: the name is taken; give the person another',
    '13: alerts.rota.0: there is no zoe under channels or people',
    '13: alerts.rota.0: from and to are the same',
    '15: alerts.steps.0: there is no eve under channels or people',
    '16: alerts.privacy: there is no nobody under channels or people',
  ]);
});

test('someone on call needs a rota, a secret its variable, a moment its form', async () => {
  const channel = "  channels: { pager: { webhook: '${env:PAGER}' } }\n";
  expect(
    await problems(`${channel}  steps: [{ to: [on-call] }]\n`, { PAGER: 'https://a.b' }),
  ).toEqual(['3: alerts.steps.0: on-call needs a rota']);
  expect(await problems(channel)).toEqual([
    '2: alerts.channels.pager.webhook: the environment has no PAGER',
  ]);
  const late = await problems(
    `${channel}  rota: [{ from: mon 25:00, to: tue 06:00, who: [pager] }]\n`,
    { PAGER: 'https://a.b' },
  );
  expect(late).toEqual([expect.stringContaining('alerts.rota.0.from')]);
});
