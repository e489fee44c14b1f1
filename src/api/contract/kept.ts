import { closed, Id, list, maybe, Reason, Time, word } from '../../web/schema.ts';
import { type Static, Type } from '../../web/type.ts';

/** What stands for a key, which may name a patient: the same for everybody, and nothing can be read from it. */
const KeyId = Type.String({ minLength: 1, maxLength: 64 });
const Key = Type.String({ description: 'Masked for those who may not see patients.' });

/** Messages that wait for others under a key. */
export const Waits = Type.Object({
  waits: list(
    Type.Object({
      host: Type.String(),
      keyId: KeyId,
      key: Key,
      messageId: Id,
      state: word('waits', 'early'),
      when: maybe(Type.String({ description: 'What must be true of the other message.' })),
      since: Time,
      until: Time,
    }),
  ),
  cut: Type.Boolean({ description: 'There are more.' }),
});
export type Waits = Static<typeof Waits>;

/** What processes collect, before one message is made of it. */
export const BatchList = Type.Object({
  batches: list(
    Type.Object({
      host: Type.String(),
      keyId: KeyId,
      key: Key,
      parts: Type.Integer(),
      bytes: Type.Integer(),
      since: Time,
      until: Time,
      closed: maybe(
        Type.String({ description: 'Why it takes no more: its message is being made.' }),
      ),
    }),
  ),
});
export type BatchList = Static<typeof BatchList>;

export const CloseBatchRequest = closed({
  host: Type.String({ minLength: 1, maxLength: 200 }),
  keyId: KeyId,
  discard: maybe(Type.Boolean({ description: 'Ends the collected messages instead.' })),
  reason: Reason,
});
export type CloseBatchRequest = Static<typeof CloseBatchRequest>;
export const ClosedBatch = Type.Object({ parts: Type.Integer() });

/** Who is told of something, those in trouble first. */
export const SubscriberList = Type.Object({
  subscribers: list(
    Type.Object({
      host: Type.String({ description: 'The operation that keeps it.' }),
      id: Type.String(),
      owner: Type.String(),
      about: Type.String({ description: 'Masked for those who may not see patients.' }),
      place: Type.String({ description: 'The server that is told.' }),
      state: word('requested', 'active', 'error', 'off'),
      held: Type.Boolean({ description: 'Operators have switched it off.' }),
      error: maybe(Type.String()),
      events: Type.Integer(),
      taken: maybe(Time),
      failures: Type.Integer({ description: 'How often in a row it took nothing.' }),
      end: Time,
    }),
  ),
  cut: Type.Boolean({ description: 'There are more.' }),
  next: maybe(Type.String({ description: 'As `after`, it leads to the next 1,000.' })),
});
export const SubscriberQuery = closed({
  host: maybe(
    Type.String({ minLength: 1, maxLength: 200, description: 'Only those of this operation.' }),
  ),
  after: maybe(Type.String({ maxLength: 500, description: '`next` of the part before.' })),
});
export type SubscriberList = Static<typeof SubscriberList>;

export const TurnSubscriberRequest = closed({
  host: Type.String({ minLength: 1, maxLength: 200 }),
  id: Type.String({ minLength: 1, maxLength: 200 }),
  on: Type.Boolean({ description: 'False switches it off: its owner cannot switch it on.' }),
  reason: Reason,
});
export type TurnSubscriberRequest = Static<typeof TurnSubscriberRequest>;

/** What messages share by a key, without the values. */
export const SharedStates = Type.Object({
  entries: list(
    Type.Object({
      keyId: KeyId,
      key: Key,
      bytes: Type.Integer(),
      at: Time,
      until: Time,
      host: Type.String({ description: 'The process that changed it last.' }),
      messageId: Id,
    }),
  ),
  cut: Type.Boolean({ description: 'There are more: name a key.' }),
});
export type SharedStates = Static<typeof SharedStates>;

export const StateQuery = closed({
  key: maybe(Type.String({ maxLength: 256, description: 'Only the entry under this key.' })),
});
export const KeyIdParameters = closed({ keyId: KeyId });
export const SharedStateValue = Type.Object({
  value: Type.String({ description: 'As indented JSON.' }),
  masked: Type.Boolean(),
});
export type SharedStateValue = Static<typeof SharedStateValue>;
export const RemoveStateRequest = closed({ reason: Reason });
