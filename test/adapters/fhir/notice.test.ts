import { describe, expect, test } from 'vitest';
import { matches, readCriteria } from '../../../adapters/fhir/subscription/criteria.ts';
import { readGiven } from '../../../adapters/fhir/subscription/given.ts';
import { noticeBundle, statusOf } from '../../../adapters/fhir/subscription/notice.ts';
import { isAllowed, type Subscription } from '../../../adapters/fhir/subscription/subscriptions.ts';
import { type FhirVersion, fhirFindings } from '../../../src/document/index.ts';

const VERSIONS: readonly FhirVersion[] = ['R4', 'R4B', 'R5'];
const TOPIC = 'https://hub.example/topic';
const subscription: Subscription = {
  format: 1,
  id: 'a-1',
  versionId: 1,
  changed: '2026-01-01T00:00:00Z',
  owner: 'x',
  status: 'active',
  resource: {},
  criteria: [],
  topic: TOPIC,
  endpoint: 'https://x.example/',
  content: 'full-resource',
  end: 0,
};
const encounter = (version: FhirVersion): Readonly<Record<string, unknown>> =>
  version === 'R5'
    ? { resourceType: 'Encounter', id: 'e', status: 'completed' }
    : { resourceType: 'Encounter', id: 'e', status: 'finished', class: { code: 'IMP' } };

describe.for(VERSIONS)('what is sent in %s', (version) => {
  test.for(['empty', 'id-only', 'full-resource'] as const)('is valid with %s', (content) => {
    const note = { number: 2, at: '2026-01-01T00:00:00Z', focus: 'Encounter/e' };
    const event = {
      notification: { subscription: 'a-1', ...note },
      ...(content === 'full-resource' && { resource: encounter(version) }),
    };
    const given = { ...subscription, content };
    const bundle = noticeBundle(given, { type: 'event-notification', version, count: 2, event });
    expect(fhirFindings(bundle, { level: 'full', version })).toEqual([]);
    expect(JSON.stringify(bundle).includes('Encounter/e')).toBe(content !== 'empty');
    expect(JSON.stringify(bundle).includes('"resourceType":"Encounter"')).toBe(
      content === 'full-resource',
    );
    const events = [{ ...note, number: 1 }, note];
    const fault = 'Events before number 1 are not remembered any more.';
    const missed = noticeBundle(given, { type: 'query-event', version, count: 9, events, fault });
    expect(fhirFindings(missed, { level: 'full', version })).toEqual([]);
    expect(JSON.stringify(missed).split('"Encounter/e"')).toHaveLength(content === 'empty' ? 1 : 3);
  });

  test('is valid as a handshake, a heartbeat, and as the status of one in error', () => {
    for (const type of ['handshake', 'heartbeat'] as const) {
      const bundle = noticeBundle(subscription, { type, version, count: 0 });
      expect(fhirFindings(bundle, { level: 'full', version })).toEqual([]);
    }
    const failed = { ...subscription, status: 'error', error: 'x' } as const;
    const status = statusOf(failed, { type: 'query-status', version, count: 7 });
    expect(fhirFindings(status, { level: 'full', version })).toEqual([]);
  });
});

describe('a Subscription of R5', () => {
  const criteria = readCriteria('Encounter?status=completed', 'R5');
  if (typeof criteria === 'string') throw new Error(criteria);
  const permitted = {
    version: 'R5',
    topics: [{ url: TOPIC, criteria: [criteria] }],
    endpoints: ['https://x.example/notify/'],
    shortest: 60_000,
  } as const;
  const given = {
    resourceType: 'Subscription',
    status: 'requested',
    topic: TOPIC,
    channelType: { code: 'rest-hook' },
    endpoint: 'https://x.example/notify/1',
    content: 'id-only',
  };

  test('may have heartbeats, and 0 means none', () => {
    for (const [heartbeatPeriod, heartbeat] of [
      [90, 90_000],
      [0, undefined],
    ]) {
      expect(readGiven({ ...given, heartbeatPeriod }, permitted)).toHaveProperty(
        'heartbeat',
        heartbeat,
      );
    }
  });

  test('narrows its topic by filters', () => {
    const read = readGiven(
      { ...given, filterBy: [{ filterParameter: 'patient', value: 'Patient/1' }] },
      permitted,
    );
    if (typeof read === 'string') throw new Error(read);
    expect(read).toMatchObject({ topic: TOPIC, content: 'id-only' });
    const [narrowed] = read.criteria;
    if (narrowed === undefined) throw new Error('none');
    const of = (patient: string, status: string): boolean =>
      matches(narrowed, {
        resourceType: 'Encounter',
        status,
        subject: { reference: `Patient/${patient}` },
      });
    expect([of('1', 'completed'), of('2', 'completed'), of('1', 'planned')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  test.for([
    [{ topic: 'https://hub.example/other' }, 'There is no such topic.'],
    [{ channelType: { code: 'email' } }, 'Only channels of type rest-hook'],
    [{ parameter: [{ name: 'authorization', value: 'SECRET' }] }, 'Headers and parameters'],
    [{ heartbeatPeriod: 59 }, 'The period of heartbeats is a number of seconds from 60 to 604800.'],
    [{ heartbeatPeriod: '90' }, 'The period of heartbeats is'],
    [{ heartbeatPeriod: 1e9 }, 'The period of heartbeats is'],
    [{ filterBy: [{ filterParameter: 'x', value: 'y' }] }, 'Encounter is not looked at by x'],
    [{ filterBy: [{ filterParameter: 'status', modifier: 'not', value: 'y' }] }, 'Filters have'],
    [{ status: 'active ' }, 'status must be'],
  ] as const)('%j is refused', ([more, expected]) => {
    expect(readGiven({ ...given, ...more }, permitted)).toContain(expected);
  });
});

test.for([
  ['code=http://loinc.org|1-8', true],
  ['code=1-8', true],
  ['code=|1-8', false],
  ['code=http://loinc.org|', true],
  ['code=2,1-8', true],
  ['category=lab&status=final', true],
  ['category=lab&status=amended', false],
  ['subject=1', true],
  ['subject=Patient/1', true],
  ['subject=Group/1', false],
  ['patient=1', true],
  ['performer=9', true],
  ['identifier=urn:x|7', true],
  ['_id=o', true],
] as const)('Observation?%s: %s', ([query, expected]) => {
  const criteria = readCriteria(`Observation?${query}`, 'R4');
  if (typeof criteria === 'string') throw new Error(criteria);
  const resource = {
    resourceType: 'Observation',
    id: 'o',
    status: 'final',
    identifier: [{ system: 'urn:x', value: '7' }],
    category: [{ coding: [{ code: 'lab' }] }],
    code: { coding: [{ system: 'http://loinc.org', code: '1-8' }] },
    subject: { reference: 'Patient/1/_history/3' },
    performer: [{ reference: 'Practitioner/9' }],
  };
  expect(matches(criteria, resource)).toBe(expected);
  expect(matches(criteria, { ...resource, resourceType: 'Patient' })).toBe(false);
});

test('a group with the number of a patient is not the patient', () => {
  const criteria = readCriteria('Observation?patient=1', 'R4');
  if (typeof criteria === 'string') throw new Error(criteria);
  const about = (reference: string): boolean =>
    matches(criteria, { resourceType: 'Observation', subject: { reference } });
  expect([about('Patient/1'), about('Group/1'), about('Patient/11')]).toEqual([true, false, false]);
});

test('what a subscription of R4 asks for and would not get is refused', () => {
  const url = 'http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition/backport-';
  const permitted = {
    version: 'R4',
    topics: [],
    endpoints: ['https://x.example/'],
    shortest: 60_000,
  } as const;
  const channel = { type: 'rest-hook', endpoint: 'https://x.example/a' };
  const given = { resourceType: 'Subscription', criteria: 'Patient', channel };
  const heartbeat = [{ url: `${url}heartbeat-period`, valueUnsignedInt: 60 }];
  const additional = [{ url: `${url}additional-criteria`, valueString: 'Encounter' }];
  expect(readGiven(given, permitted)).toMatchObject({ content: 'empty' });
  expect(readGiven({ ...given, channel: { ...channel, extension: heartbeat } }, permitted)).toBe(
    'Only subscriptions to a topic have heartbeats.',
  );
  const about = { url: 'https://hub.example/t', criteria: [{ type: 'Patient', filters: [] }] };
  const byTopic = { ...given, criteria: about.url, channel: { ...channel, extension: heartbeat } };
  expect(readGiven(byTopic, { ...permitted, topics: [about] })).toMatchObject({
    heartbeat: 60_000,
  });
  expect(readGiven({ ...given, extension: additional }, permitted)).toContain('has one criteria');
});

test('an address is permitted by what it leads to, not by its text', () => {
  const allowed = ['https://x.example/notify', 'http://y.example:8080/'];
  for (const good of [
    'https://x.example/notify',
    'https://x.example/notify/a?b=c',
    'http://y.example:8080/z',
  ]) {
    expect(isAllowed(good, allowed), good).toBe(true);
  }
  for (const bad of [
    'https://x.example/notify-all',
    'https://x.example/notify/../a',
    'https://x.example/notify/%2E%2e/a',
    'https://x.example/notify\\..\\a',
    'http://x.example/notify/a',
    'https://x.example:444/notify/a',
    'https://x.example@evil.example/notify/a',
    'https://x.example.evil.example/notify/a',
    'http://y.example/',
    'https://x.example/notify/a#b',
    'no address',
  ]) {
    expect(isAllowed(bad, allowed), bad).toBe(false);
  }
});
