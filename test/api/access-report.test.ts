import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { findCommand } from '../../src/cli/command/trace.ts';
import { patientFields } from '../../src/operator/access/patient-audit.ts';
import { ran } from '../support/command.ts';
import { adt, type Operated, operated } from '../support/operator.ts';

interface Report {
  readonly people: readonly { actor: string; via: string; acts: number }[];
  readonly rows: readonly { action: string; object: string; actor: string }[];
}

let production: Operated;
const ids: Record<string, number> = {};

const report = async (patient: string, more: object = {}): Promise<Report> =>
  (await production.ask<Report>('POST', '/api/v1/audit/access', { patient, ...more })).body;

beforeAll(async () => {
  production = await operated();
  for (const mrn of ['4711', '4712', '4713']) {
    await production.send(`C${mrn}`, { mrn });
    ids[mrn] = await vi.waitFor(async () => {
      const { body } = await production.ask<{ items: { id: number }[] }>(
        'POST',
        '/api/v1/messages/search',
        { search: { 'control-id': `C${mrn}` } },
      );
      return body.items[0]?.id ?? Promise.reject(new Error('it is not in the trace yet'));
    });
  }
});
afterAll(async () => {
  await production[Symbol.asyncDispose]();
});

test('a body that is opened, a session, a search and a list are in the report of that patient alone', async () => {
  expect(await report('4711')).toEqual({ people: [], rows: [] });
  const id = ids['4711'];
  await production.ask('GET', `/api/v1/messages/${id}/body/hl7`);
  await production.ask('GET', `/api/v1/sessions/${id}`);
  await production.ask('POST', '/api/v1/messages/search', { search: { mrn: '4711' } });
  const seen = await report('4711');
  expect(seen.rows.map(({ action, object }) => `${action} ${object}`)).toEqual([
    'message.search messages',
    `message.trace session ${id}`,
    `message.view message ${id}`,
  ]);
  expect(seen.people).toMatchObject([{ actor: 'admin', acts: 3 }]);
  expect((await report('4712')).rows).toEqual([]);
  // the report is kept apart from what it is about, and is an act itself
  const { body } = await production.ask<{ rows: { action: string; detail: string }[] }>(
    'GET',
    '/api/v1/audit?action=audit.access',
  );
  expect(body.rows.length).toBeGreaterThanOrEqual(3);
  // a number may be in a hash or a time by chance
  for (const { detail } of body.rows) {
    const { search } = JSON.parse(detail) as { search: { patient: string } };
    expect(search.patient).toMatch(/^[\da-f]{32}$/);
  }
});

test('a list that shows patients names each of them once, however often it is refreshed', async () => {
  const list = { fields: ['mrn'] };
  for (let n = 0; n < 3; n++) await production.ask('POST', '/api/v1/messages/search', list);
  for (const mrn of ['4711', '4712', '4713']) {
    const { rows } = await report(mrn);
    expect(rows.filter(({ action }) => action === 'message.listed')).toHaveLength(1);
  }
  expect((await report('4714')).rows).toEqual([]);
});

test('the command line looks are in it too, and an export is a table without formulas', async () => {
  const where = ['--data', `${production.folder.path}/data`];
  const found = await ran(findCommand(), ['mrn=4713', ...where]);
  expect(found.code).toBe(0);
  await production.ask('GET', `/api/v1/messages/${ids['4713']}/body`);
  const { body, headers } = await production.ask<string>('POST', '/api/v1/audit/access/export', {
    patient: '4713',
  });
  expect(headers.get('content-type')).toContain('text/csv');
  const lines = body.trim().split('\r\n');
  expect(lines[0]).toBe('time,who,via,from,did,to what,outcome,reason');
  expect(lines.slice(1).map((line) => line.split(',').slice(4, 6).join(' '))).toEqual([
    `message.view message ${ids['4713']}`,
    'message.search messages',
    'message.listed messages',
  ]);
  expect(lines.join('\n')).toContain('command line');
  const early = await report('4713', { to: 1 });
  expect(early).toEqual({ people: [], rows: [] });
});

test('fields that identify a patient are known by path or name, or are named', () => {
  const search = new Map([
    ['mrn', 'PID-3.1'],
    ['fallnummer', 'PV1-19'],
    ['patient', '/subject'],
    ['id', '(0010,0020)'],
    ['name', 'PID-5.1'],
    ['old', 'PID-30'],
  ]);
  expect(patientFields(search, undefined)).toEqual(['mrn', 'patient', 'id']);
  expect(patientFields(search, ['fallnummer'])).toEqual(['fallnummer']);
  expect(adt('x')).toContain('4711');
});
