import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Comparison } from '../../src/api/contract/event.ts';
import type { Waits } from '../../src/api/contract/kept.ts';
import { keepSubscriptions } from './kept-subscriptions.ts';
import { KEYED_FILES, KEYED_PRODUCTION } from './keyed-production.ts';
import { type Operated, operated } from './operator.ts';

const SETTINGS = `alerts:
  channels: { pager: { webhook: 'http://127.0.0.1:9/page' }, chat: { slack: 'http://127.0.0.1:9/chat' } }
  people: { ann: [pager, chat], bob: [chat] }
  rota: [{ from: mon 07:00, to: fri 19:00, who: [ann] }, { from: fri 19:00, to: mon 07:00, who: [bob] }]
  steps: [{ to: [on-call] }, { after: 15m, to: [bob] }]
`;

/** A production on which a shift has worked: alerts, rota, notes, jobs, versions, waits, what failed in two ways. */
export async function busyProduction(consoleFolder: string): Promise<Operated> {
  let refused = 0;
  const production = await operated({
    production: KEYED_PRODUCTION.replace(
      '    settings: { connect: ',
      '    alert: { wait: 1s }\n    settings: { connect: ',
    ).replace('to: [pairs, bundle]', 'to: [pairs, bundle, hl7-out]'),
    files: { ...KEYED_FILES, 'data/console.yaml': SETTINGS },
    console: { consoleFolder, watchEvery: 500 },
    answer: ({ controlId }) => {
      if (!controlId.startsWith('E')) return 'AA';
      refused += 1;
      return refused % 3 === 0 ? 'AR' : 'AE';
    },
  });
  for (let n = 0; n < 30; n++)
    await production.send(`${n % 3 === 0 ? 'E' : 'C'}${n}`, { mrn: `70010${n % 7}` });
  await keepSubscriptions(production);
  const ask = (method: string, path: string, body?: object) =>
    production.ask(method, `/api/v1/${path}`, body);
  const waits = async (): Promise<number> =>
    (await production.ask<Waits>('GET', '/api/v1/waits')).body.waits.length;
  while ((await waits()) === 0) await sleep(100);
  for (const [about, object, text] of [
    [
      'host',
      'hl7-out',
      'The ward restarts its server at 03:00; call 4711 if it is not back by 03:30.',
    ],
    ['host', 'hl7-in', 'Admission tests its new interface until Friday.'],
  ] as const)
    await ask('POST', 'notes', { about, object, text });
  const criteria = { status: ['suspended', 'error'] };
  await ask('POST', 'jobs', { type: 'resend', criteria, reason: 'the ward is back' });
  const file = join(production.folder.path, 'production.yaml');
  for (const title of ['A ward at night', 'A ward, and its neighbours']) {
    const text = KEYED_PRODUCTION.replace('A ward', title);
    await writeFile(file, text);
    await ask('POST', 'production/reload', { dryRun: false, reason: `called ${title}` });
  }
  return production;
}

const DAY = 86_400_000;

/** A comparison of an hour with more messages than there were a week ago, for a production that has run for weeks. */
export function comparisonWithData({ latest }: Comparison): Comparison {
  const now = { in: 1_204, errors: 3 };
  return {
    hosts: 4,
    latest: { ...latest, ...now, missing: undefined },
    others: [1, 2, 3, 4, 5, 6, 7, 14, 21, 28].map((days) => ({
      days,
      at: latest.at - days * DAY,
      in: 900 + ((days * 137) % 700),
      errors: days % 3,
      now,
      hosts: 4,
      missing: days === 6 ? ('partly' as const) : undefined,
    })),
    week: Array.from({ length: 25 }, (_, n) => {
      const at = latest.at - (24 - n) * 3_600_000;
      return {
        at,
        before: at - 7 * DAY,
        in: 300 + ((n * 97) % 400),
        errors: n % 5,
        missing: undefined,
      };
    }),
  };
}
