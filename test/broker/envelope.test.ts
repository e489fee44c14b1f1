import { MsgHdrsImpl } from '@nats-io/nats-core/internal';
import { headers } from '@nats-io/transport-node';
import {
  assert,
  boolean,
  integer,
  nat,
  option,
  property,
  record,
  string,
  stringMatching,
} from 'fast-check';
import { expect, test } from 'vitest';
import { envelopeHeaders, readEnvelope } from '../../src/broker/envelope.ts';
import { ENVELOPE_FIELDS, type Envelope } from '../../src/message/envelope.ts';
import { examples } from '../support/examples.ts';

/** Any envelope: each field that is not required may be missing, and a text may contain anything. */
const envelopes = record(
  Object.fromEntries(
    Object.entries(ENVELOPE_FIELDS).map(([field, { kind }]) => [
      field,
      {
        number: integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
        name: stringMatching(/^[a-z][a-z0-9.-]{0,30}$/),
        text: string({ minLength: 1, unit: 'binary' }),
      }[kind],
    ]),
  ),
  { requiredKeys: ['id', 'sessionId', 'source', 'target', 'type', 'created', 'received', 'size'] },
);

test('what is written as headers is read from what the client receives', () => {
  assert(
    property(envelopes, option(nat()), boolean(), (fields, attached, accepted) => {
      const envelope = fields as unknown as Envelope;
      const carried = { bodyRef: '1.abc', attached: attached ?? undefined, accepted, woken: true };
      const written = envelopeHeaders(envelope, carried);
      written.set('Nats-Msg-Id', 'a key');
      const received = MsgHdrsImpl.decode((written as MsgHdrsImpl).encode());
      expect(received.get('Nats-Msg-Id')).toBe('a key');
      expect(readEnvelope(received)).toEqual({ ...wellFormed(envelope), ...carried });
    }),
    { numRuns: examples(100) },
  );
});

/** Half a character, as JSON may contain, cannot be written as UTF-8. */
const wellFormed = (envelope: Envelope): object =>
  Object.fromEntries(
    Object.entries(envelope).map(([field, value]) => [
      field,
      typeof value === 'string' ? value.toWellFormed() : value,
    ]),
  );

test('headers that are missing, empty or not ours are left out', () => {
  const h = headers();
  h.set('Wb-Id', '7');
  h.set('Wb-Charset', '');
  h.set('Nats-Stream', 'of somebody else');
  h.set('constructor', 'nothing of ours');
  expect(readEnvelope(h)).toEqual({
    id: 7,
    sessionId: 0,
    source: '',
    target: '',
    type: 'application/octet-stream',
    created: 0,
    received: 0,
    size: 0,
    accepted: false,
    woken: false,
  });
});

test('a line end cannot begin a header', () => {
  const h = envelopeHeaders({ ...readEnvelope(headers()), name: 'a\r\nWb-Id: 9' });
  expect(readEnvelope(MsgHdrsImpl.decode((h as MsgHdrsImpl).encode())).id).toBe(0);
  expect(() => h.set('Nats-Msg-Id', 'a\r\nWb-Id: 9')).toThrow(/cannot contain/);
  const given = {
    traceparent: '00\r\nWb-Id: 9',
    priority: '1\nWb-Body-Ref: 9' as unknown as number,
  };
  const other = envelopeHeaders({ ...readEnvelope(headers()), ...given });
  const read = readEnvelope(MsgHdrsImpl.decode((other as MsgHdrsImpl).encode()));
  expect([read.id, read.bodyRef, read.traceparent]).toEqual([0, undefined, '00 Wb-Id: 9']);
});
