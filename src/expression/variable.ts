import { callerOf } from '../message/caller.ts';
import type { Envelope } from '../message/message.ts';
import { TIMESTAMP } from './function/expression-function.ts';
import { JwtName } from './jwt-name.ts';

/** One variable that every expression knows. */
export interface ExpressionVariable {
  readonly name: string;
  /** The CEL type. */
  readonly type: string;
  readonly help: string;
  readonly read: (message: Envelope) => string | bigint | Date | JwtName;
}

const JWT = new JwtName();

/** Everything an expression may know about a message without its body. */
export const expressionVariables: readonly ExpressionVariable[] = [
  {
    name: 'type',
    type: 'string',
    help: 'ADT_A01 for HL7 (an acknowledgement is ACK, or ACK_A01 if it names the event), 837P for X12, MEDRPT for EDIFACT, otherwise the media type such as application/json.',
    read: ({ type }) => typePart(type, 1) ?? type,
  },
  {
    name: 'event',
    type: 'string',
    help: 'The trigger event of an HL7 message, such as A01; otherwise "".',
    read: ({ type }) => (type.startsWith('HL7v2:') ? (typePart(type, 1)?.split('_')[1] ?? '') : ''),
  },
  {
    name: 'version',
    type: 'string',
    help: 'The version of a message: 2.5.1 for HL7, 005010X222A1 for X12, D.96A for EDIFACT; otherwise "".',
    read: ({ type }) => typePart(type, 2) ?? '',
  },
  { name: 'source', type: 'string', help: 'The host it came from.', read: ({ source }) => source },
  { name: 'target', type: 'string', help: 'The host it goes to.', read: ({ target }) => target },
  {
    name: 'name',
    type: 'string',
    help: 'The file name, mail subject or other label it came with; "" if it has none.',
    read: ({ name }) => name ?? '',
  },
  {
    name: 'part',
    type: 'int',
    help: 'For one of several messages that a transform made from one (split): its number, from 1; otherwise 0.',
    read: ({ part }) => BigInt(part ?? 0),
  },
  {
    name: 'parts',
    type: 'int',
    help: 'How many messages the transform made from that one; otherwise 0.',
    read: ({ parts }) => BigInt(parts ?? 0),
  },
  {
    name: 'origin',
    type: 'string',
    help: 'The peer address, URL or folder it came from; "" if unknown.',
    read: ({ origin }) => origin ?? '',
  },
  {
    name: 'caller',
    type: 'string',
    help: 'Who sent it, if a web service has it proven: a user, the subject of a token or certificate, the name of a key; otherwise "".',
    read: (message) => callerOf(message)?.name ?? '',
  },
  { name: 'id', type: 'int', help: "The message's number.", read: ({ id }) => BigInt(id) },
  {
    name: 'session',
    type: 'int',
    help: 'The number of its session, which is the number of the first message.',
    read: ({ sessionId }) => BigInt(sessionId),
  },
  {
    name: 'received',
    type: TIMESTAMP,
    help: "When the session's first message was accepted.",
    read: ({ received }) => new Date(received),
  },
  {
    name: 'created',
    type: TIMESTAMP,
    help: 'When this message was made.',
    read: ({ created }) => new Date(created),
  },
  {
    name: 'priority',
    type: 'int',
    help: 'Lower goes first; 0 if none was given.',
    read: ({ priority }) => BigInt(Math.trunc(priority ?? 0)),
  },
  { name: 'size', type: 'int', help: 'Bytes of the body.', read: ({ size }) => BigInt(size) },
  {
    name: 'jwt',
    type: 'Jwt',
    help: 'Signs and checks JSON Web Tokens: jwt.sign(…), jwt.verify(…), jwt.problem(…).',
    read: () => JWT,
  },
];

function typePart(type: string, part: number): string | undefined {
  const isNamed =
    type.startsWith('HL7v2:') || type.startsWith('X12:') || type.startsWith('EDIFACT:');
  return isNamed ? (type.split(':')[part] ?? '') : undefined;
}
