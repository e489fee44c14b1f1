import { CONTEXT_RESULT, type Rejection } from './pdu.ts';

/** Why a peer refuses an association, in the words of PS3.8 9.3.4, each with what to do. */
const BY_USER: Readonly<Record<number, readonly [cause: string, remedy: string]>> = {
  1: [
    'it gives no reason',
    'Look at its log; mostly it does not know the AE titles, or wants a user identity',
  ],
  2: ['it does not know the application context', 'Ask its owner: it may be no DICOM application'],
  3: ['it does not know our AE title', 'Have ownTitle entered there, or correct it here'],
  7: ['it has another AE title', 'Correct title'],
};
const BY_PROTOCOL: Readonly<Record<number, readonly [cause: string, remedy: string]>> = {
  1: ['it gives no reason', 'Look at its log'],
  2: ['it speaks another version of the protocol', 'Ask its owner'],
};
const BY_LOAD: Readonly<Record<number, readonly [cause: string, remedy: string]>> = {
  1: ['it is overloaded for now', 'It is tried again'],
  2: ['it has as many associations as it takes', 'It is tried again; a smaller pool helps'],
};

export function rejectionWords({ source, reason }: Rejection): {
  readonly cause: string;
  readonly remedy: string;
} {
  const table = source === 1 ? BY_USER : source === 2 ? BY_PROTOCOL : BY_LOAD;
  const [cause, remedy] = table[reason] ?? [`its reason is ${source}/${reason}`, 'Look at its log'];
  return { cause, remedy };
}

/** What is told of an answer that does not come. */
export interface AwaitedWords {
  givenUp(place: string): string;
  late(place: string, milliseconds: number): string;
  brokenOff(place: string): string;
}

export const STORING: AwaitedWords = {
  givenUp: (place) => `Given up while ${place} had not answered. It may have the object.`,
  late: (place, milliseconds) =>
    `${place} did not answer within ${milliseconds} ms. It may have the object; it is sent again.`,
  brokenOff: (place) =>
    `${place} broke the association off before it answered. It may have the object; it is sent again under the same instance UID.`,
};

export const ASKING: AwaitedWords = {
  givenUp: (place) => `Given up while ${place} had not answered the query.`,
  late: (place, milliseconds) =>
    `${place} did not answer the query within ${milliseconds} ms. It is asked again.`,
  brokenOff: (place) =>
    `${place} broke the association off before it answered the query. It is asked again.`,
};

/** Why a peer does not accept a class of objects, to follow "the peer". */
export function contextWords(result: number): string {
  switch (result) {
    case CONTEXT_RESULT.noAbstractSyntax:
      return 'does not take objects of this class';
    case CONTEXT_RESULT.noTransferSyntax:
      return 'does not take this encoding of them';
    default:
      return 'refuses them without a reason';
  }
}

/** The meaning of a status other than success (PS3.4 B.2.3, PS3.7 C). */
export function statusWords(status: number): string | undefined {
  if (status >= 0xa700 && status <= 0xa7ff) return 'out of resources';
  if (status >= 0xa900 && status <= 0xa9ff) return 'the object does not match its class';
  if (status >= 0xc000 && status <= 0xcfff) return 'cannot understand the object';
  return STATUS_WORDS[status];
}

/** The meaning of the last status of a query (PS3.4 C.4.1.1.4). */
export function queryStatusWords(status: number): string | undefined {
  if (status >= 0xa900 && status <= 0xa9ff) return 'the query does not fit its class';
  if (status >= 0xc000 && status <= 0xcfff) return 'cannot process the query';
  return status === 0xfe00 ? 'the query was cancelled' : statusWords(status);
}

const STATUS_WORDS: Readonly<Record<number, string>> = {
  0x0105: 'no such attribute',
  0x0106: 'an attribute has an invalid value',
  0x0110: 'processing failure',
  0x0111: 'the object is there already',
  0x0112: 'no such object',
  0x0117: 'the instance UID is invalid',
  0x0122: 'the class is not supported',
  0x0124: 'not authorised',
  0x0210: 'the message was sent twice',
  0x0211: 'the operation is not known',
  0xb000: 'stored, with values changed',
  0xb006: 'stored, without some elements',
  0xb007: 'stored, though it does not match its class',
};
