import { expect, test } from 'vitest';
import { idAtTime } from '../../../src/message/id.ts';
import type { MessageState } from '../../../src/trace/message-state.ts';
import {
  declaredColumns,
  MESSAGE_COLUMNS,
  type MessageRow,
  rowOfState,
  stateOfRow,
  withAddedColumns,
} from '../../../src/trace/store/message-columns.ts';

const SESSION = idAtTime(Date.UTC(2026, 2, 10, 12));
const ID = SESSION + 64;

const whole: MessageState = {
  id: ID,
  sessionId: SESSION,
  host: 'ward',
  envelope: {
    id: ID,
    sessionId: SESSION,
    parentId: SESSION,
    source: 'router',
    target: 'ward',
    type: 'HL7v2:ADT_A08:2.5.1',
    created: 5,
    received: 4,
    size: 7,
    charset: 'utf-8',
    name: 'a.hl7',
    origin: '10.1.2.3:50412',
    priority: 2,
    replyTo: 'inbox',
    resendOf: 3,
    traceparent: '00-1-2-01',
    testBy: 'Anna',
  },
  queue: { stream: 'WB_hub_Q_ward', sequence: 9 },
  body: 1,
  sameBodyAs: 2,
  attempts: 3,
  settlement: {
    status: 'error',
    started: 6,
    done: 8,
    reply: { type: 'HL7v2:ACK:2.5.1', code: 'AE', text: 'no', body: 2 },
    error: { code: 'PEER_REFUSED', text: 'refused', retryable: true, said: 'ward closed' },
    warning: 'odd',
    by: 'Bert',
    presumed: true,
  },
  possibleDuplicate: true,
  duplicateOf: 11,
  note: 'large',
};

const states: Readonly<Record<string, MessageState>> = {
  'with all that can be known': whole,
  'that is retried': {
    ...whole,
    settlement: undefined,
    lastTry: { at: 6, error: { code: 'PEER_UNREACHABLE', text: 'gone', retryable: false } },
  },
  'whose outcome came first': {
    id: ID,
    sessionId: SESSION,
    host: 'ward',
    attempts: 1,
    settlement: { status: 'completed', started: 6, done: 8 },
  },
};

test.each(Object.entries(states))('a message %s is read back as it was written', (_, state) => {
  const texts: string[] = [];
  const words = {
    number: (text: string) => texts.push(text) - 1,
    text: (number: number) => texts[number] ?? '',
  };
  const values = rowOfState(state, words, null);
  const row = Object.fromEntries(MESSAGE_COLUMNS.map((name, at) => [name, values[at]]));
  expect(stateOfRow(row as MessageRow, words)).toEqual(state);
});

test('a step of a store stays what it is; columns that were added follow it', () => {
  const steps = [`CREATE TABLE message(${declaredColumns('sqlite')});`, 'CREATE TABLE later(n);'];
  const [first, second] = withAddedColumns(steps, 'sqlite');
  expect(first).toBe(steps[0]);
  expect(second?.replaceAll(/ALTER TABLE message ADD COLUMN .*\n/g, '')).toBe(steps[1]);
});
