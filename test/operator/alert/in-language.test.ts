import { expect, test } from 'vitest';
import { inLanguage } from '../../../src/operator/alert/channel/in-language.ts';
import { webhookChannel } from '../../../src/operator/alert/channel/open-channels.ts';
import { webServer } from '../../support/web-server.ts';

const TEXT = 'ward has had no connection for 12m: nothing listens on 10.1.2.3:2575';
const NEWS = {
  key: 'alert.1',
  state: 'open',
  level: 'error',
  subject: `St. Anna: ${TEXT}`,
  text: `${TEXT}\n\nSince 2026-01-05T08:00:00.000Z (alert 7, disconnected).`,
  production: 'anna',
  alerts: [{ id: 7, rule: 'disconnected', host: 'ward', text: TEXT, first: 0 }],
  link: undefined,
} as const;

test('what a channel sends is in its language, but for what programs read', async () => {
  await using web = await webServer(() => ({ status: 200 }));
  const hook = { name: 'pager', kind: 'webhook', url: `${web.url}/pager`, headers: {} } as const;
  for (const language of ['de', 'en'] as const)
    await inLanguage(webhookChannel(hook), language).send(NEWS, AbortSignal.timeout(5_000));
  const [german, english] = web.requests.map(({ body }) => JSON.parse(body.toString()) as unknown);
  const text = 'ward hat seit 12m keine Verbindung: auf 10.1.2.3:2575 hört niemand';
  expect(german).toMatchObject({
    subject: `St. Anna: ${text}`,
    text: `${text}\n\nSeit 2026-01-05T08:00:00.000Z (Alarm 7, disconnected).`,
    alerts: [{ rule: 'disconnected', text }],
  });
  expect(english).toMatchObject({ subject: NEWS.subject, alerts: [{ text: TEXT }] });
});
