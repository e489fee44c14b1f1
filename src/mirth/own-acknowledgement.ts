import type { Reply } from '../message/message.ts';
import { ACKGenerator } from './acknowledgement.ts';
import { mediaType } from './data-type.ts';
import { ERROR, FILTERED, QUEUED, SENT } from './response.ts';

/** The code and text of an acknowledgement. */
type Acknowledgement = readonly [code: string, text: string];

export interface Acknowledgements {
  readonly accepted?: Acknowledgement;
  readonly failed?: Acknowledgement;
  readonly rejected?: Acknowledgement;
}

interface Answering {
  readonly source: { readonly http?: unknown };
  readonly destinations: readonly unknown[];
  readonly answersForDestinations?: boolean;
  readonly acknowledgements?: Acknowledgements;
}

/**
 * The acknowledgement of HL7 that Mirth Connect makes: a message that is filtered out is rejected. `statuses` are that of
 * the source, then those of the destinations that the message got to.
 */
export function ownAcknowledgement(
  of: Answering,
  message: string,
  [source = SENT, ...destinations]: readonly string[],
): Reply {
  const {
    accepted = ['AA', ''],
    failed = ['AE', 'An Error Occurred Processing Message.'],
    rejected = ['AR', 'Message Rejected.'],
  } = of.acknowledgements ?? {};
  const status =
    of.answersForDestinations === true ? overall(destinations, of.destinations.length) : source;
  const kinds = new Map([
    [ERROR as string, failed],
    [FILTERED, rejected],
  ]);
  const [code, note] = kinds.get(status) ?? accepted;
  const dates = 'yyyyMMddHHmmss.SSS';
  const body = ACKGenerator.generateAckResponse(message, false, code, note, dates);
  const ofHl7 = of.source.http === undefined ? { code } : {};
  return { body: Buffer.from(body), type: mediaType('HL7V2', body), ...ofHl7 };
}

/** One for all destinations: the first of these that one of them has; an error if the message did not get to all. */
const overall = (statuses: readonly string[], count: number): string =>
  [ERROR, QUEUED, SENT, FILTERED].find((one) => statuses.includes(one)) ??
  (statuses.length < count ? ERROR : SENT);
