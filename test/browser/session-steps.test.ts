import { expect, test } from 'vitest';
import { changedText } from '../../console/src/diff/changed-text.ts';
import { timeOf, zonedTime } from '../../console/src/element/local-time.ts';
import {
  criteriaOf,
  findOf,
  keptCriteria,
  rangeOf,
  stateOf,
} from '../../console/src/search/search-state.ts';
import { changeBefore } from '../../console/src/suspended/change-before.ts';
import { toldSessions } from '../../console/src/timeline/told-sessions.ts';
import { lanesOf, stepsOf } from '../../console/src/trace/session-steps.ts';
import type { Message, Session } from '../../src/api/contract/message.ts';

const message = (id: number, rest: Partial<Message>): Message => ({
  id,
  sessionId: 1,
  source: 'in',
  target: 'router',
  type: 'HL7v2:ADT_A01:2.5.1',
  status: 'completed',
  created: 1_000 + id,
  received: 1_000,
  size: 10,
  attempts: 1,
  hasBody: true,
  ...rest,
});

const session = (messages: readonly Message[], rest: Partial<Session> = {}): Session => ({
  id: 1,
  started: 1_000,
  messages,
  attempts: [],
  past: [],
  resends: [],
  truncated: false,
  hidden: 0,
  ...rest,
});

const kinds = { in: 'service', router: 'process', ward: 'operation', lab: 'operation' } as const;
const kindOf = (host: string) => Object.entries(kinds).find(([name]) => name === host)?.[1];

test('lanes stand from where messages come in to where they go out', () => {
  const messages = [
    message(1, { source: 'router', target: 'ward' }),
    message(2, {}),
    message(3, { source: 'router', target: 'lab' }),
  ];
  expect(lanesOf(session(messages), kindOf).map(({ host }) => host)).toEqual([
    'in',
    'router',
    'ward',
    'lab',
  ]);
});

test('how a message failed stands before its end by a person, with the reply it got', () => {
  const error = { code: 'REPLY_UNEXPECTED', text: 'the peer answered AE', retryable: false };
  const reply = { type: 'HL7v2:ACK:2.5.1', code: 'AE', hasBody: true };
  const ended = message(1, {
    target: 'ward',
    status: 'discarded',
    by: 'anna',
    warning: 'resent as 9',
    done: 9_000,
  });
  const past = [{ messageId: 1, status: 'suspended', done: 2_000, error, reply }] as const;
  const steps = stepsOf(session([ended], { past }));
  expect(steps.map(({ kind, label, tone }) => [kind, label.split(' · ')[0], tone])).toEqual([
    ['request', 'ADT_A01', 'idle'],
    ['reply', 'AE', 'held'],
    ['outcome', 'suspended: the peer answered AE', 'held'],
    ['outcome', 'discarded by anna: resent as 9', 'idle'],
  ]);
});

test('a reply stands after what was sent meanwhile, and many tries are one step', () => {
  const error = { code: 'ADAPTER_NOT_CONNECTED', text: 'nothing listens', retryable: true };
  const messages = [
    message(1, {
      source: 'router',
      target: 'ward',
      done: 9_000,
      reply: { type: 'ack', code: 'AA', hasBody: true },
    }),
    message(2, { source: 'router', target: 'lab', status: 'retrying' }),
  ];
  const attempts = [1, 2, 3].map((attempt) => ({
    messageId: 2,
    attempt,
    at: 2_000 + attempt,
    next: 3_000,
    error,
  }));
  const steps = stepsOf(session(messages, { attempts }));
  expect(steps.map(({ key }) => key)).toEqual(['1-request', '2-request', '2-tries', '1-reply']);
  expect(steps[2]?.label).toBe('3 failed tries in 2 ms: nothing listens');
});

test('what a rule decided is told where it was decided', () => {
  const explain = {
    rules: [{ rule: 'admissions', result: 'fired' as const }],
    sent: [
      { to: 'ward', rule: 'admissions' },
      { to: 'lab', rule: 'admissions' },
    ],
  };
  const step = stepsOf(session([message(1, { explain })])).find(({ kind }) => kind === 'rules');
  expect(step).toMatchObject({ from: 'router', to: 'router', label: 'admissions → ward, lab' });
});

const lost = (at: number) => ({
  host: 'ward',
  event: 'connection-lost',
  level: 'warn' as const,
  at,
  text: 'nothing listens',
});

test('what happened to a host while it had a message is a step, once; and a receiver without a reply was done', () => {
  const messages = [
    message(1, { source: 'router', target: 'ward', created: 2_000, done: 2_500 }),
    message(2, { source: 'router', target: 'lab', created: 2_000, done: 2_100 }),
  ];
  const steps = stepsOf(session(messages), [lost(2_400), lost(2_200), lost(1_900), lost(2_600)]);
  expect(steps.map(({ kind, label }) => `${kind} ${label}`)).toEqual([
    'request ADT_A01',
    'request ADT_A01',
    'outcome done in 100 ms',
    'event nothing listens (2 times)',
    'outcome done in 500 ms',
  ]);
});

test('two texts are told apart by what lies between their equal ends', () => {
  expect(changedText('2.5.1', '2.3')).toEqual({ head: '2.', before: '5.1', after: '3', tail: '' });
  expect(changedText('aa', 'aaa')).toEqual({ head: 'aa', before: '', after: 'a', tail: '' });
});

test('an address is a search: its range ends when the search began, and a value may have colons', () => {
  expect(
    criteriaOf({ last: '1h', find: 'mrn:47:11', status: 'error,nonsense' }, 10_000_000),
  ).toEqual({
    from: 6_400_000,
    status: ['error'],
    search: { mrn: '47:11' },
  });
  expect(rangeOf({ from: '2026-11-25T03:00' })).toBeUndefined();
  expect(findOf({ find: 'mrn:' })).toBeUndefined();
});

test.for([
  { last: '1h', status: 'error,suspended', host: 'ward' },
  { find: 'mrn:47:11*', minSize: '100' },
  {
    from: zonedTime(Date.UTC(2026, 10, 25, 3)),
    to: zonedTime(Date.UTC(2026, 10, 25, 4)),
    contains: 'Müller',
  },
  { last: 'all' },
])('a search that is kept comes back as it was: %o', (state) => {
  expect(stateOf(keptCriteria(state))).toEqual(state);
});

test.for([
  ['2026-11-25T03:00:00+01:00', Date.UTC(2026, 10, 25, 2)],
  ['2026-11-25T03:00:00 01:00', Date.UTC(2026, 10, 25, 2)],
  ['2026-11-25T03:00:00Z', Date.UTC(2026, 10, 25, 3)],
] as const)('a time in an address is the same moment everywhere: %s', ([text, at]) => {
  expect(timeOf(text)).toBe(at);
  expect(timeOf(zonedTime(at))).toBe(at);
});

test('a timeline tells sessions in their order, each with who got it and its worst status', () => {
  const told = toldSessions([
    message(9, { sessionId: 8, received: 5_000, target: 'ward' }),
    message(3, { sessionId: 1, source: 'router', target: 'lab', status: 'suspended' }),
    message(2, { sessionId: 1, source: 'router', target: 'ward' }),
    message(1, { sessionId: 1 }),
  ]);
  expect(told).toMatchObject([
    {
      id: 1,
      type: 'ADT_A01',
      source: 'in',
      targets: ['router', 'ward', 'lab'],
      status: 'suspended',
    },
    { id: 8, targets: ['ward'], status: 'completed' },
  ]);
});

const change = (at: number, event = 'configuration-changed') => ({
  host: '',
  event,
  level: 'info' as const,
  at,
  text: 'changed: ward',
});

test('what began within the hour after a change of the configuration is told together with it', () => {
  const events = [
    change(9_000_000),
    change(5_000_000),
    change(4_000_000),
    change(5_500_000, 'started'),
  ];
  expect(changeBefore(6_000_000, events)?.at).toBe(5_000_000);
  expect(changeBefore(8_700_000, events)).toBeUndefined();
  expect(changeBefore(3_000_000, events)).toBeUndefined();
});
