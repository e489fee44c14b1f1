import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { PERMISSIONS, type Principal } from '../../src/access/rights/principal.ts';
import type { FoundMessage, MessagePage } from '../../src/api/contract/message.ts';
import { type Operated, operated } from '../support/operator.ts';
import { ANN } from '../support/person.ts';
import { signedInAs } from '../support/signed-in-as.ts';

/** What goes to the ward has no patient in it. */
const PRODUCTION = `production: ward
settings:
  search: { mrn: PID-3.1, name: PID-5.1, class: PV1-2 }
  shutdownTimeout: 1s
services:
  hl7-in:
    adapter: mllp-in
    settings: { listen: '\${env:LISTEN}' }
    to: router
processes:
  router:
    rules:
      all:
        - name: everything
          send: { to: hl7-out, transform: bare }
operations:
  hl7-out:
    adapter: mllp-out
    settings: { connect: '\${env:CONNECT}' }
transforms:
  bare: bare.yaml
`;
const BARE = 'start: copy\nsteps:\n  - { remove: [PID] }\n';

let production: Operated;
const who = signedInAs();

beforeAll(async () => {
  who.principal = ANN;
  production = await operated({
    production: PRODUCTION,
    files: { 'bare.yaml': BARE },
    console: { signIn: who.plugin },
  });
  await production.send('V1', { mrn: '4711', name: 'Doe^John' });
  await vi.waitFor(async () => {
    const messages = await found([]);
    const settled = messages.filter(({ status }) => status === 'completed');
    if (settled.length < 2) throw new Error('it is not settled yet');
  });
});
afterAll(async () => production[Symbol.asyncDispose]());

/** Newest first: what went to the ward, then what came. */
async function found(fields: readonly string[]): Promise<readonly FoundMessage[]> {
  const { body } = await production.ask<MessagePage>('POST', '/api/v1/messages/search', {
    fields,
  });
  return body.items;
}

async function valuesFor(viewer: Partial<Principal>): Promise<FoundMessage['fields'][]> {
  who.principal = { ...ANN, name: 'bob', ...viewer };
  return (await found(['mrn', 'name', 'class', 'control-id', 'unheard-of'])).map(
    ({ fields }) => fields,
  );
}

const SEEN = { mrn: ['4711'], name: ['Doe'], class: ['I'], 'control-id': ['V1'] };

test('a search gives the values of the fields that are asked for; what a body has not is that of its session', async () => {
  expect(await valuesFor({})).toEqual([SEEN, SEEN]);
  const [plain] = await found([]);
  expect(plain?.fields).toBeUndefined();
});

test('who may not see patients gets what names them masked, and the rest as it is', async () => {
  const masked = { ...SEEN, mrn: ['0000'], name: ['Xxx'] };
  expect(await valuesFor({ unmasked: false })).toEqual([masked, masked]);
});

test('who may not see what messages hold gets every value masked', async () => {
  const masked = { mrn: ['0000'], name: ['Xxx'], class: ['X'], 'control-id': ['X0'] };
  const permissions = new Set([...PERMISSIONS].filter((one) => one !== 'message.content'));
  expect(await valuesFor({ permissions })).toEqual([masked, masked]);
  // of a message whose other end is not visible, the content is not
  const some = await valuesFor({ visibleHosts: ['hl7-out'] });
  expect(some).toEqual([{}]);
});

async function exported(format: 'csv' | 'ndjson'): Promise<string> {
  const { body } = await production.ask<string>('POST', '/api/v1/messages/export', {
    criteria: {},
    format,
    fields: ['mrn', 'class'],
  });
  return body;
}

test('an export has a column for each', async () => {
  who.principal = { ...ANN, unmasked: false };
  const [head, first] = (await exported('csv')).split('\r\n');
  expect(head).toMatch(/,by,search\.mrn,search\.class$/);
  expect(first).toMatch(/,0000,I$/);
  const [row = ''] = (await exported('ndjson')).split('\n');
  expect(JSON.parse(row)).toMatchObject({ fields: { mrn: ['0000'], class: ['I'] } });
});
